// SPDX-License-Identifier: Apache-2.0
package dev.tandem.simulator.nixl;

import java.time.Duration;
import org.jspecify.annotations.Nullable;

/**
 * Settings of the NIXL connector of one engine. Immutable.
 *
 * @param role What the engine is used for; vLLM itself does not enforce it.
 * @param host Side channel address, listened on and named to other engines ({@code VLLM_NIXL_SIDE_CHANNEL_HOST}).
 * @param port Side channel port ({@code VLLM_NIXL_SIDE_CHANNEL_PORT}); 0 for any free one.
 * @param engineId Id of the engine; null for a new one at every start.
 * @param lease How long finished prefill requests keep their blocks ({@code kv_lease_duration}).
 */
public record NixlConfig(
        Role role, String host, int port, @Nullable String engineId, Duration lease) {
    /** vLLM's side channel host. */
    public static final String DEFAULT_HOST = "localhost";

    /** vLLM's side channel port, since 0.11.1. */
    public static final int DEFAULT_PORT = 5600;

    /** vLLM's {@code kv_lease_duration} (since 2026-05-11). */
    public static final Duration DEFAULT_LEASE = Duration.ofSeconds(30);

    /** What an engine is used for. */
    public enum Role {
        /** Prefill only. */
        PRODUCER,
        /** Decode only. */
        CONSUMER,
        /** Both. */
        BOTH
    }

    /** Returns vLLM's defaults for a role. */
    public static NixlConfig of(Role role) {
        return new NixlConfig(role, DEFAULT_HOST, DEFAULT_PORT, null, DEFAULT_LEASE);
    }

    /** Returns this configuration with another side channel. */
    public NixlConfig withSideChannel(String address, int sidePort) {
        return new NixlConfig(role, address, sidePort, engineId, lease);
    }

    /** Returns this configuration with a fixed engine id. */
    public NixlConfig withEngineId(String id) {
        return new NixlConfig(role, host, port, id, lease);
    }

    /** Returns this configuration with another lease. */
    public NixlConfig withLease(Duration time) {
        return new NixlConfig(role, host, port, engineId, time);
    }
}
