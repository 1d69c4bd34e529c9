// SPDX-License-Identifier: Apache-2.0
package dev.tandem.simulator.lmcache;

import dev.tandem.simulator.engine.EngineShape;
import dev.tandem.simulator.peer.Mailbox;
import dev.tandem.simulator.store.KvStore;
import dev.tandem.simulator.transfer.ConnectorConfig;
import dev.tandem.simulator.transfer.KvRole;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.function.Function;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.JsonNode;

/**
 * Settings of {@code LMCacheConnectorV1}, with LMCache's names of 2026 or those that they had until 2025-09
 * ({@code enable_nixl}, {@code nixl_role}, {@code nixl_receiver_host}, {@code nixl_receiver_port}). Immutable.
 *
 * @param enabled KV goes from engine to engine ({@code enable_pd}); otherwise only through the shared store.
 * @param sends The engine is the one that pushes ({@code pd_role} {@code sender}); otherwise it receives.
 * @param host Where a receiver listens, and where a sender pushes if a request does not say ({@code pd_peer_host}).
 * @param port The first of {@code pd_peer_init_port}; 0 for any free one, or for a sender, nowhere.
 * @param router Where a sender tells that it has pushed, {@code host:port} ({@code pd_proxy_host},
 *     {@code pd_proxy_port}); null for nowhere.
 */
public record PdConfig(
        boolean enabled,
        boolean sends,
        String host,
        int port,
        @Nullable String router) implements ConnectorConfig {
    /** Returns settings for tests: a sender that tells a router; {@code host:port}. */
    public static PdConfig sender(String router) {
        return new PdConfig(true, true, "127.0.0.1", 0, router);
    }

    /** Returns settings for tests: a receiver on any free port. */
    public static PdConfig receiver() {
        return new PdConfig(true, false, "127.0.0.1", 0, null);
    }

    /** Reads {@code lmcache.} settings of {@code --kv-transfer-config}. */
    public static PdConfig read(KvRole role, JsonNode config) {
        JsonNode extra = config.path("kv_connector_extra_config");
        PdConfig off = new PdConfig(false, role == KvRole.PRODUCER, "localhost", 0, null);
        return off.with(name -> text(extra.path("lmcache." + name)));
    }

    /** Returns these settings with another port. */
    public PdConfig withPort(int other) {
        return new PdConfig(enabled, sends, host, other, router);
    }

    @Override
    public EngineShape.Connector kind() {
        return EngineShape.Connector.SHARED;
    }

    /** Returns these settings with LMCache's environment variables, which are its settings' names in capitals. */
    @Override
    public PdConfig withEnvironment(Map<String, String> variables) {
        return with(name -> variables.get("LMCACHE_" + name.toUpperCase(Locale.ROOT)));
    }

    @Override
    public Prepared prepare(@Nullable KvStore shared) {
        if (!enabled && shared == null) {
            throw new IllegalArgumentException(
                    "LMCacheConnectorV1: no folder for the shared store (expected: --sim-store)");
        }
        if (!enabled) {
            return new Prepared(shared, site -> new StoreConnector(this));
        }
        if (sends) {
            return new Prepared(null, site -> new PdSender(this, site));
        }
        Mailbox buffer = new Mailbox();
        return new Prepared(new PdBuffer(buffer), site -> new PdReceiver(this, site, buffer));
    }

    private PdConfig with(Function<String, @Nullable String> setting) {
        String peer = either(setting, "pd_peer_host", "nixl_receiver_host");
        String peerPort = either(setting, "pd_peer_init_port", "nixl_receiver_port");
        String proxy = setting.apply("pd_proxy_host");
        String role = either(setting, "pd_role", "nixl_role");
        return new PdConfig(
                enabled || "true".equalsIgnoreCase(either(setting, "enable_pd", "enable_nixl")),
                role == null ? sends : role.equals("sender"),
                peer == null ? host : peer,
                peerPort == null ? port : first(peerPort),
                proxy == null ? router : proxy + ":" + setting.apply("pd_proxy_port"));
    }

    private static @Nullable String either(Function<String, @Nullable String> setting, String now, String before) {
        String value = setting.apply(now);
        return value == null ? setting.apply(before) : value;
    }

    private static int first(String ports) {
        List<String> each =
                Stream.of(ports.replaceAll("[\\[\\]\\s]", "").split(",")).toList();
        return ConnectorConfig.number("pd_peer_init_port", each.getFirst());
    }

    private static @Nullable String text(JsonNode value) {
        return value.isMissingNode() || value.isNull()
                ? null
                : value.isString() ? value.stringValue() : value.toString();
    }
}
