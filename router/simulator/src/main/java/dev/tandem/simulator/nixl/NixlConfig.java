// SPDX-License-Identifier: Apache-2.0
package dev.tandem.simulator.nixl;

import dev.tandem.simulator.engine.EngineShape;
import dev.tandem.simulator.store.KvStore;
import dev.tandem.simulator.transfer.ConnectorConfig;
import dev.tandem.simulator.transfer.KvRole;
import java.time.Duration;
import java.util.Locale;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.JsonNode;

/**
 * Settings of the NIXL connector of one engine. Immutable.
 *
 * @param role What the engine is used for; vLLM itself does not enforce it.
 * @param host Side channel address, listened on and named to other engines ({@code VLLM_NIXL_SIDE_CHANNEL_HOST}).
 * @param port Side channel port ({@code VLLM_NIXL_SIDE_CHANNEL_PORT}); 0 for any free one.
 * @param engineId Id of the engine; null for a new one at every start.
 * @param lease How long finished prefill requests keep their blocks ({@code kv_lease_duration}).
 * @param mode Who moves the blocks.
 * @param turns Blocks for the next turn of a conversation; null without {@code bidirectional_kv_xfer}.
 */
public record NixlConfig(
        KvRole role,
        String host,
        int port,
        @Nullable String engineId,
        Duration lease,
        Mode mode,
        @Nullable Turns turns) implements ConnectorConfig {
    /** vLLM's side channel host. */
    public static final String DEFAULT_HOST = "localhost";

    /** vLLM's side channel port, since 0.11.1. */
    public static final int DEFAULT_PORT = 5600;

    /** vLLM's {@code kv_lease_duration} (since 2026-05-11). */
    public static final Duration DEFAULT_LEASE = Duration.ofSeconds(30);

    /** Who moves the blocks; engines of different modes never come together. */
    public enum Mode {
        /** The decode engine reads them ({@code NixlConnector}, {@code NixlPullConnector}). */
        PULL,
        /** The prefill engine writes them ({@code NixlPushConnector}). */
        PUSH;

        String wireName() {
            return name().toLowerCase(Locale.ROOT);
        }
    }

    /**
     * What decode engines keep for the next turn of a conversation ({@code bidirectional_kv_xfer}).
     *
     * @param life How long they keep it ({@code decoder_kv_blocks_ttl}).
     * @param threshold Fewer tokens than this are computed instead of read ({@code kv_recompute_threshold}).
     */
    public record Turns(Duration life, int threshold) {
        /** vLLM's defaults. */
        public static final Turns DEFAULT = new Turns(Duration.ofMinutes(8), 64);

        static @Nullable Turns read(JsonNode extra) {
            return extra.path("bidirectional_kv_xfer").asBoolean(false)
                    ? new Turns(
                            Duration.ofSeconds(extra.path("decoder_kv_blocks_ttl")
                                    .asInt((int) DEFAULT.life().toSeconds())),
                            extra.path("kv_recompute_threshold").asInt(DEFAULT.threshold()))
                    : null;
        }
    }

    /** Returns vLLM's defaults for a role. */
    public static NixlConfig of(KvRole role) {
        return new NixlConfig(role, DEFAULT_HOST, DEFAULT_PORT, null, DEFAULT_LEASE, Mode.PULL, null);
    }

    /** Reads {@code --kv-transfer-config}; throws for a lease that is none. */
    public static NixlConfig read(KvRole role, JsonNode config) {
        JsonNode extra = config.path("kv_connector_extra_config");
        double lease = extra.path("kv_lease_duration").asDouble(DEFAULT_LEASE.toMillis() / 1e3);
        if (lease <= 0) {
            throw new IllegalArgumentException("kv_lease_duration: " + lease + " (expected: > 0)");
        }
        String id = config.path("engine_id").asString("");
        NixlConfig leased =
                of(role).withLease(Duration.ofNanos((long) (lease * 1e9))).withTurns(Turns.read(extra));
        return id.isEmpty() ? leased : leased.withEngineId(id);
    }

    /** Reads {@code --kv-transfer-config} for {@code NixlPushConnector}; throws for a lease that is none. */
    public static NixlConfig readPush(KvRole role, JsonNode config) {
        return read(role, config).withMode(Mode.PUSH);
    }

    @Override
    public EngineShape.Connector kind() {
        return EngineShape.Connector.NIXL;
    }

    /** Ranks count their side channels up from the first. */
    @Override
    public NixlConfig ofRank(int rank) {
        return port == 0 ? this : withSideChannel(host, port + rank);
    }

    @Override
    public NixlConfig withEnvironment(Map<String, String> variables) {
        String address = variables.getOrDefault("VLLM_NIXL_SIDE_CHANNEL_HOST", host);
        String sidePort = variables.getOrDefault("VLLM_NIXL_SIDE_CHANNEL_PORT", Integer.toString(port));
        return withSideChannel(address, ConnectorConfig.number("VLLM_NIXL_SIDE_CHANNEL_PORT", sidePort));
    }

    @Override
    public Prepared prepare(@Nullable KvStore shared) {
        return new Prepared(null, site -> switch (mode) {
            case PULL -> new NixlConnector(this, site);
            case PUSH -> new NixlPushConnector(this, site.speaking(mode.wireName()));
        });
    }

    /** Returns this configuration with another side channel. */
    public NixlConfig withSideChannel(String address, int sidePort) {
        return new NixlConfig(role, address, sidePort, engineId, lease, mode, turns);
    }

    /** Returns this configuration with a fixed engine id. */
    public NixlConfig withEngineId(String id) {
        return new NixlConfig(role, host, port, id, lease, mode, turns);
    }

    /** Returns this configuration with another lease. */
    public NixlConfig withLease(Duration time) {
        return new NixlConfig(role, host, port, engineId, time, mode, turns);
    }

    /** Returns this configuration with another mode. */
    public NixlConfig withMode(Mode who) {
        return new NixlConfig(role, host, port, engineId, lease, who, turns);
    }

    /** Returns this configuration with blocks for next turns, or without if null. */
    public NixlConfig withTurns(@Nullable Turns kept) {
        return new NixlConfig(role, host, port, engineId, lease, mode, kept);
    }
}
