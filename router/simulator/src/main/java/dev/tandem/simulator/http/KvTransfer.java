// SPDX-License-Identifier: Apache-2.0
package dev.tandem.simulator.http;

import dev.tandem.simulator.wire.Json;
import java.net.URI;
import java.nio.file.Path;
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
 */
public record KvTransfer(
        String connector,
        boolean stores,
        boolean loads,
        @Nullable Path folder) {
    private static final Set<String> SHARED =
            Set.of("OffloadingConnector", "ExampleConnector", "LMCacheMPConnector", "LMCacheConnectorV1");
    /** Connectors of vLLM 0.32 that the simulator does not imitate. */
    private static final Set<String> KNOWN = Set.of(
            "NixlConnector",
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
                    + " is not simulated yet (expected: one of the shared store connectors " + sharedNames() + ")");
        }
        if (!SHARED.contains(connector)) {
            throw new UsageException("Unsupported connector type: " + connector);
        }
        String role = config.path("kv_role").asString("");
        if (!Set.of("kv_both", "kv_producer", "kv_consumer").contains(role)) {
            throw new UsageException(
                    "Unsupported kv_role: " + role + ". Supported roles are ('kv_both', 'kv_producer', 'kv_consumer')");
        }
        return new KvTransfer(
                connector,
                !role.equals("kv_consumer"),
                !role.equals("kv_producer"),
                folder(config.path("kv_connector_extra_config")));
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
