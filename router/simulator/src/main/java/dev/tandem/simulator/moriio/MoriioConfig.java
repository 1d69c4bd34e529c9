// SPDX-License-Identifier: Apache-2.0
package dev.tandem.simulator.moriio;

import dev.tandem.simulator.engine.EngineShape;
import dev.tandem.simulator.notice.Registration;
import dev.tandem.simulator.store.KvStore;
import dev.tandem.simulator.transfer.ConnectorConfig;
import dev.tandem.simulator.transfer.KvRole;
import java.time.Duration;
import java.util.Locale;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.JsonNode;

/**
 * Settings of the connector of one engine. Immutable.
 *
 * @param role What the engine does, one of both.
 * @param reads Decode engines read when the prefill engine is done ({@code read_mode}); otherwise that one writes.
 * @param host Address that others use ({@code host_ip}).
 * @param handshakePort Where other engines come ({@code handshake_port}); 0 for any free one.
 * @param notifyPort Announced and not listened on ({@code notify_port}).
 * @param router Where the engine registers, {@code host:port} ({@code proxy_ip}, {@code proxy_ping_port}); null for
 *     nowhere.
 * @param httpPort HTTP port that is registered ({@code http_port}); 0 for the one that is listened on.
 * @param interval Time between two registrations.
 * @param lease How long a prefill engine keeps blocks that nobody reads ({@code defer_timeout}).
 * @param peerRanks Workers that the engines of the other role have, for strict engines; 0 for any number.
 */
public record MoriioConfig(
        KvRole role,
        boolean reads,
        String host,
        int handshakePort,
        int notifyPort,
        @Nullable String router,
        int httpPort,
        Duration interval,
        Duration lease,
        int peerRanks)
        implements ConnectorConfig {
    /** Name of the class in vLLM. */
    public static final String NAME = "MoRIIOConnector";

    private static final int HANDSHAKE = 6_301;
    private static final int NOTIFY = 61_005;
    private static final int LEASE_SECONDS = 60;

    /** Checks the role. */
    public MoriioConfig {
        if (role == KvRole.BOTH) {
            throw new IllegalArgumentException(
                    "kv_role: kv_both (expected: kv_producer or kv_consumer with " + NAME + ")");
        }
    }

    /** Returns settings for tests: this machine, any free port, registered nowhere. */
    public static MoriioConfig of(KvRole role, boolean reads) {
        return new MoriioConfig(
                role,
                reads,
                "127.0.0.1",
                0,
                NOTIFY,
                null,
                0,
                Registration.INTERVAL,
                Duration.ofSeconds(LEASE_SECONDS),
                1);
    }

    /** Reads {@code --kv-transfer-config}. */
    public static MoriioConfig read(KvRole role, JsonNode config) {
        JsonNode extra = config.path("kv_connector_extra_config");
        String proxy = extra.path("proxy_ip").asString("");
        return new MoriioConfig(
                role,
                isTrue(extra.path("read_mode").asString("")),
                extra.path("host_ip").asString("127.0.0.1"),
                extra.path("handshake_port").asInt(HANDSHAKE),
                extra.path("notify_port").asInt(NOTIFY),
                proxy.isEmpty()
                        ? null
                        : proxy + ":" + extra.path("proxy_ping_port").asString(""),
                extra.path("http_port").asInt(0),
                Registration.INTERVAL,
                Duration.ofMillis((long) (extra.path("defer_timeout").asDouble(LEASE_SECONDS) * 1e3)),
                0);
    }

    private static boolean isTrue(String text) {
        return Set.of("true", "1").contains(text.strip().toLowerCase(Locale.ROOT));
    }

    /** Returns these settings with a router at which the engine registers, and the time between two registrations. */
    public MoriioConfig withRouter(String address, Duration every) {
        return new MoriioConfig(
                role, reads, host, handshakePort, notifyPort, address, httpPort, every, lease, peerRanks);
    }

    /** Returns these settings with another handshake port. */
    public MoriioConfig withHandshakePort(int port) {
        return new MoriioConfig(role, reads, host, port, notifyPort, router, httpPort, interval, lease, peerRanks);
    }

    /** Returns these settings with another number of workers of the engines of the other role. */
    public MoriioConfig withPeerRanks(int ranks) {
        return new MoriioConfig(role, reads, host, handshakePort, notifyPort, router, httpPort, interval, lease, ranks);
    }

    @Override
    public EngineShape.Connector kind() {
        return EngineShape.Connector.DIRECT;
    }

    @Override
    public Prepared prepare(@Nullable KvStore shared) {
        return new Prepared(null, site -> new MoriioConnector(this, site));
    }

    /** Returns the address that goes into request ids. */
    String zmqAddress() {
        return "host:" + host + ",handshake:" + handshakePort + ",notify:" + notifyPort;
    }
}
