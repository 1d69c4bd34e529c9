// SPDX-License-Identifier: Apache-2.0
package dev.tandem.simulator.http;

import dev.tandem.simulator.engine.EngineShape;
import dev.tandem.simulator.nixl.NixlConfig;
import dev.tandem.simulator.wire.Json;
import java.net.URI;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.JsonNode;

/**
 * What {@code --kv-transfer-config} asks for. Immutable.
 *
 * @param connector Name of vLLM's connector class.
 * @param stores The engine writes to the shared store.
 * @param loads The engine reads from the shared store.
 * @param folder Folder of the shared store; null if the configuration names none.
 * @param nixl Settings of the NIXL connector; null for a connector with a shared store.
 */
public record KvTransfer(
        String connector,
        boolean stores,
        boolean loads,
        @Nullable Path folder,
        @Nullable NixlConfig nixl) {
    private static final Set<String> NIXL = Set.of("NixlConnector", "NixlPullConnector");
    private static final Map<String, NixlConfig.Role> ROLES = Map.of(
            "kv_producer", NixlConfig.Role.PRODUCER,
            "kv_consumer", NixlConfig.Role.CONSUMER,
            "kv_both", NixlConfig.Role.BOTH);
    private static final Set<String> SHARED =
            Set.of("OffloadingConnector", "ExampleConnector", "LMCacheMPConnector", "LMCacheConnectorV1");
    /** Connectors of vLLM 0.32 that the simulator does not imitate. */
    private static final Set<String> KNOWN = Set.of(
            "NixlPushConnector",
            "P2pNcclConnector",
            "MooncakeConnector",
            "MooncakeStoreConnector",
            "MoRIIOConnector",
            "MultiConnector");

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
            throw new UsageException("kv_connector: " + connector
                    + " is not simulated yet (expected: NixlConnector or one of the shared store connectors "
                    + sharedNames() + ")");
        }
        if (!SHARED.contains(connector) && !NIXL.contains(connector)) {
            throw new UsageException("Unsupported connector type: " + connector);
        }
        String role = config.path("kv_role").asString("");
        NixlConfig.Role known = ROLES.get(role);
        if (known == null) {
            throw new UsageException(
                    "Unsupported kv_role: " + role + ". Supported roles are ('kv_both', 'kv_producer', 'kv_consumer')");
        }
        return NIXL.contains(connector)
                ? nixl(connector, nixl(known, config))
                : new KvTransfer(
                        connector,
                        known != NixlConfig.Role.CONSUMER,
                        known != NixlConfig.Role.PRODUCER,
                        folder(config.path("kv_connector_extra_config")),
                        null);
    }

    /** Returns how engines with this connector exchange KV. */
    EngineShape.Connector kind() {
        if (nixl != null) {
            return EngineShape.Connector.NIXL;
        }
        return connector.equals("LMCacheMPConnector") ? EngineShape.Connector.LMCACHE_MP : EngineShape.Connector.SHARED;
    }

    /** Returns a configuration of the NIXL connector. */
    static KvTransfer nixl(String connector, NixlConfig config) {
        return new KvTransfer(connector, false, false, null, config);
    }

    private static NixlConfig nixl(NixlConfig.Role role, JsonNode config) {
        NixlConfig nixl = NixlConfig.of(role);
        String engineId = config.path("engine_id").asString("");
        double lease = config.path("kv_connector_extra_config")
                .path("kv_lease_duration")
                .asDouble(NixlConfig.DEFAULT_LEASE.toMillis() / 1e3);
        if (lease <= 0) {
            throw new UsageException("kv_lease_duration: " + lease + " (expected: > 0)");
        }
        NixlConfig leased = nixl.withLease(Duration.ofNanos((long) (lease * 1e9)));
        return engineId.isEmpty() ? leased : leased.withEngineId(engineId);
    }

    private static String sharedNames() {
        return String.join(", ", SHARED.stream().sorted().toList());
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
