// SPDX-License-Identifier: Apache-2.0
package dev.tandem.simulator.p2pnccl;

import dev.tandem.simulator.engine.EngineShape;
import dev.tandem.simulator.notice.Registration;
import dev.tandem.simulator.store.KvStore;
import dev.tandem.simulator.transfer.ConnectorConfig;
import dev.tandem.simulator.transfer.KvRole;
import dev.tandem.simulator.wire.Release;
import java.time.Duration;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.JsonNode;

/**
 * Settings of the connector of one engine. Immutable.
 *
 * @param role What the engine does; as in vLLM, {@code kv_both} is a prefill engine.
 * @param host Address that other engines and the router use ({@code kv_ip}).
 * @param port KV port ({@code kv_port}); 0 for any free one.
 * @param router Where the engine registers, {@code host:port} ({@code proxy_ip}, {@code proxy_port}); null for nowhere.
 * @param httpPort HTTP port that is registered ({@code http_port}); 0 for the one that is listened on.
 * @param interval Time between two registrations.
 * @param randomIds Internal request ids end at random since vLLM 0.14, as they do unless
 *     {@code VLLM_DISABLE_REQUEST_ID_RANDOMIZATION} is 1: hand-overs wait for ever.
 */
public record P2pNcclConfig(
        KvRole role, String host, int port, @Nullable String router, int httpPort, Duration interval, boolean randomIds)
        implements ConnectorConfig {
    /** Name of the class in vLLM. */
    public static final String NAME = "P2pNcclConnector";

    /** The last line of versions with which it works as it is. */
    public static final String LAST_WORKING = "0.13.0";

    /** The first minor release whose internal ids have a random end. */
    static final int RANDOM_IDS = 14;

    private static final int REMOVED = 24;
    private static final int DEFAULT_PORT = 14_579;

    /** Returns settings for tests: this machine, any free port, registered nowhere. */
    public static P2pNcclConfig of(KvRole role) {
        return new P2pNcclConfig(role, "127.0.0.1", 0, null, 0, Registration.INTERVAL, true);
    }

    /** Reads {@code --kv-transfer-config}. */
    public static P2pNcclConfig read(KvRole role, JsonNode config) {
        JsonNode extra = config.path("kv_connector_extra_config");
        String sends = extra.path("send_type").asString("PUT_ASYNC");
        if (!sends.equals("PUT_ASYNC") && !sends.equals("PUT")) {
            throw new IllegalArgumentException("send_type: " + sends + " (expected: PUT or PUT_ASYNC)");
        }
        String proxy = extra.path("proxy_ip").asString("");
        return new P2pNcclConfig(
                role,
                config.path("kv_ip").asString("127.0.0.1"),
                config.path("kv_port").asInt(DEFAULT_PORT),
                proxy.isEmpty() ? null : proxy + ":" + extra.path("proxy_port").asString(""),
                extra.path("http_port").asInt(0),
                Registration.INTERVAL,
                true);
    }

    /** Returns these settings with a router at which the engine registers, and the time between two registrations. */
    public P2pNcclConfig withRouter(String address, Duration every) {
        return new P2pNcclConfig(role, host, port, address, httpPort, every, randomIds);
    }

    /** Returns these settings with another KV port. */
    public P2pNcclConfig withPort(int kvPort) {
        return new P2pNcclConfig(role, host, kvPort, router, httpPort, interval, randomIds);
    }

    /** Returns these settings with internal ids as they were before vLLM 0.14. */
    public P2pNcclConfig withPlainIds() {
        return new P2pNcclConfig(role, host, port, router, httpPort, interval, false);
    }

    @Override
    public EngineShape.Connector kind() {
        return EngineShape.Connector.DIRECT;
    }

    @Override
    public void check(Release release) {
        if (release.since(REMOVED)) {
            throw new IllegalArgumentException("Unsupported connector type: " + NAME
                    + " (vLLM removed it in 0.24; claim an older one with --sim-version " + LAST_WORKING + ")");
        }
    }

    @Override
    public P2pNcclConfig withEnvironment(Map<String, String> variables) {
        String own = variables.get("VLLM_HOST_IP");
        P2pNcclConfig here =
                own == null ? this : new P2pNcclConfig(role, own, port, router, httpPort, interval, randomIds);
        return "1".equals(variables.get("VLLM_DISABLE_REQUEST_ID_RANDOMIZATION")) ? here.withPlainIds() : here;
    }

    @Override
    public Prepared prepare(@Nullable KvStore shared) {
        return new Prepared(null, site -> new P2pNcclConnector(this, site));
    }

    /** Returns the address by which engines know each other. */
    String zmqAddress() {
        return host + ":" + port;
    }
}
