// SPDX-License-Identifier: Apache-2.0
package dev.tandem.simulator.http;

import static java.util.Map.entry;

import dev.tandem.simulator.ascend.LayerwiseConfig;
import dev.tandem.simulator.engine.EngineShape;
import dev.tandem.simulator.lmcache.MpConfig;
import dev.tandem.simulator.lmcache.PdConfig;
import dev.tandem.simulator.mooncake.MooncakeConfig;
import dev.tandem.simulator.moriio.MoriioConfig;
import dev.tandem.simulator.nixl.NixlConfig;
import dev.tandem.simulator.offload.OffloadConfig;
import dev.tandem.simulator.p2pnccl.P2pNcclConfig;
import dev.tandem.simulator.transfer.ConnectorConfig;
import dev.tandem.simulator.transfer.KvRole;
import dev.tandem.simulator.wire.Json;
import dev.tandem.simulator.wire.Release;
import java.net.URI;
import java.nio.file.Path;
import java.util.Map;
import java.util.Set;
import java.util.function.Supplier;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.JsonNode;

/**
 * What {@code --kv-transfer-config} asks for. Immutable.
 *
 * @param connector Name of vLLM's connector class.
 * @param stores The engine writes to its store, if it has one.
 * @param loads The engine reads from its store, if it has one.
 * @param folder Folder of the shared store; null if the configuration names none.
 * @param config Settings of the connector; null for one that only uses a shared store.
 */
public record KvTransfer(
        String connector,
        boolean stores,
        boolean loads,
        @Nullable Path folder,
        @Nullable ConnectorConfig config) {
    private static final Map<String, Reader> READERS = Map.ofEntries(
            entry("NixlConnector", NixlConfig::read),
            entry("NixlPullConnector", NixlConfig::read),
            entry("NixlPushConnector", NixlConfig::readPush),
            entry(MooncakeConfig.NAME, MooncakeConfig::read),
            entry(LayerwiseConfig.NAME, LayerwiseConfig::read),
            entry(P2pNcclConfig.NAME, P2pNcclConfig::read),
            entry(MoriioConfig.NAME, MoriioConfig::read),
            entry("LMCacheMPConnector", (role, config) -> new MpConfig(null)),
            entry("LMCacheConnectorV1", PdConfig::read));
    private static final Map<String, KvRole> ROLES =
            Map.of("kv_producer", KvRole.PRODUCER, "kv_consumer", KvRole.CONSUMER, "kv_both", KvRole.BOTH);
    private static final Set<String> SHARED =
            Set.of("OffloadingConnector", "ExampleConnector", "LMCacheMPConnector", "LMCacheConnectorV1");
    /** Connectors of vLLM that the simulator does not imitate. */
    private static final Set<String> KNOWN = Set.of("MooncakeStoreConnector", "MultiConnector");

    /** Reads the settings of one kind of connector; throws {@link IllegalArgumentException} for wrong ones. */
    private interface Reader {
        ConnectorConfig read(KvRole role, JsonNode config);
    }

    /** Parses the JSON of the option; throws {@link UsageException} as vLLM refuses to start. */
    static KvTransfer parse(String json) {
        JsonNode config;
        try {
            config = Json.MAPPER.readTree(json);
        } catch (JacksonException e) {
            throw new UsageException("argument --kv-transfer-config: Value " + json + " cannot be converted to JSON");
        }
        String connector = config.path("kv_connector").asString("");
        if (KNOWN.contains(connector)) {
            throw new UsageException(
                    "kv_connector: " + connector + " is not simulated yet (expected: one of " + names() + ")");
        }
        if (!SHARED.contains(connector) && !READERS.containsKey(connector)) {
            throw new UsageException("Unsupported connector type: " + connector);
        }
        String role = config.path("kv_role").asString("");
        KvRole known = ROLES.get(role);
        if (known == null) {
            throw new UsageException(
                    "Unsupported kv_role: " + role + ". Supported roles are ('kv_both', 'kv_producer', 'kv_consumer')");
        }
        boolean peers = connector.equals(OffloadConfig.NAME) && OffloadConfig.asked(config);
        Reader reader = peers ? OffloadConfig::read : READERS.get(connector);
        ConnectorConfig settings = reader == null ? null : checked(() -> reader.read(known, config));
        return settings != null && (peers || !SHARED.contains(connector))
                ? direct(connector, settings)
                : new KvTransfer(
                        connector,
                        known != KvRole.CONSUMER,
                        known != KvRole.PRODUCER,
                        folder(config.path("kv_connector_extra_config")),
                        settings);
    }

    /** Returns how engines with this connector exchange KV. */
    EngineShape.Connector kind() {
        if (config != null) {
            return config.kind();
        }
        return EngineShape.Connector.SHARED;
    }

    /** Returns a connector that hands KV over directly. */
    static KvTransfer direct(String connector, ConnectorConfig config) {
        return new KvTransfer(connector, true, true, null, config);
    }

    /** Returns this connector with what environment variables say. */
    KvTransfer withEnvironment(Map<String, String> variables) {
        ConnectorConfig settings = config;
        return settings == null
                ? this
                : new KvTransfer(connector, stores, loads, folder, checked(() -> settings.withEnvironment(variables)));
    }

    /** Throws {@link UsageException} for a version of vLLM that does not have this connector. */
    void check(String version) {
        ConnectorConfig settings = config;
        if (settings != null) {
            checked(() -> {
                settings.check(Release.of(version));
                return settings;
            });
        }
    }

    private static ConnectorConfig checked(Supplier<ConnectorConfig> config) {
        try {
            return config.get();
        } catch (IllegalArgumentException e) {
            throw new UsageException(String.valueOf(e.getMessage()));
        }
    }

    private static String names() {
        return Stream.concat(READERS.keySet().stream(), SHARED.stream())
                .distinct()
                .sorted()
                .collect(Collectors.joining(", "));
    }

    private static @Nullable Path folder(JsonNode extra) {
        if (extra.path("shared_storage_path").isString()) {
            return Path.of(extra.path("shared_storage_path").stringValue());
        }
        for (JsonNode tier : extra.path("secondary_tiers")) {
            if (tier.path("root_dir").isString()) {
                return Path.of(tier.path("root_dir").stringValue());
            }
        }
        for (String name : new String[] {"lmcache.remote_url", "lmcache.fs_path", "lmcache.mp.fs_path"}) {
            String value = extra.path(name).asString("");
            if (!value.isEmpty()) {
                return Path.of(value.contains("://") ? URI.create(value).getPath() : value);
            }
        }
        return null;
    }
}
