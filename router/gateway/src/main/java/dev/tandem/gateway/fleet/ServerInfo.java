// SPDX-License-Identifier: Apache-2.0
package dev.tandem.gateway.fleet;

import dev.tandem.core.fleet.EngineFacts;
import dev.tandem.core.fleet.KvAddress;
import dev.tandem.core.fleet.Worker;
import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/**
 * Reads from an engine's own settings which connector it was started with: {@code GET /server_info}. Stateless.
 *
 * <p>vLLM answers only in its development mode ({@code VLLM_SERVER_DEV_MODE=1}), with {@code config_format=json} as an
 * object {@code vllm_config} whose {@code kv_transfer_config} names the connector. SGLang always answers, with its
 * arguments at the top: {@code disaggregation_mode} is {@code null} (the text), {@code prefill} or {@code decode}.
 * Source: vLLM main of 2026-08-17, SGLang of 2026-07-15.
 */
final class ServerInfo {
    private static final JsonMapper JSON = JsonMapper.shared();

    /** Read at once: the first use of a mapper takes a lock, and event loops must not wait for it. */
    private static final JsonNode NOTHING = JSON.readTree("{}");

    private ServerInfo() {}

    /** Returns what the answer shows; empty when it names no protocol. */
    static Optional<Spoken> read(Worker worker, byte[] body) {
        JsonNode info = tree(body);
        String mode = info.path("disaggregation_mode").asString("");
        if (!mode.isEmpty()) {
            return sglang(
                            worker,
                            mode,
                            info.path("disaggregation_bootstrap_port").asInt(0))
                    .map(spoken -> spoken.of(EngineFacts.Kind.SGLANG));
        }
        JsonNode settings = info.path("vllm_config");
        return settings.isObject()
                ? vllm(settings.path("kv_transfer_config")).map(spoken -> spoken.of(EngineFacts.Kind.VLLM))
                : Optional.empty();
    }

    private static JsonNode tree(byte[] body) {
        try {
            return JSON.readTree(body);
        } catch (JacksonException notJson) {
            return NOTHING;
        }
    }

    private static Optional<Spoken> sglang(Worker worker, String mode, int bootstrapPort) {
        String seen = "server info disaggregation_mode " + mode.replaceAll("[^a-z]", "?");
        return switch (mode) {
            case "null" -> Optional.of(Spoken.only("plain", seen));
            case "prefill", "decode" ->
                Optional.of(new Spoken(
                        "sglang", seen, List.of(), address(worker.baseUrl().getHost(), bootstrapPort), null));
            default -> Optional.empty();
        };
    }

    private static @Nullable KvAddress address(String host, int port) {
        try {
            return KvAddress.of(host, port);
        } catch (IllegalArgumentException none) {
            return null;
        }
    }

    private static Optional<Spoken> vllm(JsonNode transfer) {
        String name = transfer.path("kv_connector").asString("");
        String seen = "server info kv_connector " + name.replaceAll("[^A-Za-z0-9_]", "?");
        JsonNode extra = transfer.path("kv_connector_extra_config");
        return switch (name) {
            case "" -> Optional.of(Spoken.only("plain", "server info without kv_connector"));
            case "NixlConnector", "NixlPullConnector" -> Optional.of(Spoken.only("nixl", seen));
            case "NixlPushConnector" -> Optional.of(Spoken.only("nixl-push", seen));
            case "MooncakeConnector" -> Optional.of(Spoken.only("mooncake", seen));
            case "P2pNcclConnector" -> Optional.of(Spoken.only("p2p-nccl", seen));
            case "MoRIIOConnector" ->
                Optional.of(Spoken.only(on(extra.path("read_mode")) ? "moriio-read" : "moriio-write", seen));
            case "ExampleConnector", "SharedStorageConnector" -> Optional.of(Spoken.only("shared-cache", seen));
            case "LMCacheMPConnector" -> Optional.of(Spoken.likely("shared-cache", seen, "lmcache-mp"));
            case "LMCacheConnectorV1" ->
                Optional.of(Spoken.likely(
                        "shared-cache", seen, "lmcache-pd", "lmcache-pd-first-token", "lmcache-pd-notified"));
            case "OffloadingConnector" -> Optional.of(offloading(extra, seen));
            case "MooncakeLayerwiseConnector" -> Optional.of(Spoken.oneOf(seen, "ascend-layerwise"));
            default -> Optional.empty();
        };
    }

    private static Spoken offloading(JsonNode extra, String seen) {
        for (JsonNode tier : extra.path("secondary_tiers")) {
            if (tier.path("type").asString("").equals("p2p")) {
                return Spoken.oneOf(seen + " with a p2p tier", "offload-p2p", "offload-pull");
            }
        }
        return Spoken.only("shared-cache", seen);
    }

    private static boolean on(JsonNode value) {
        String text = value.asString("");
        return text.equalsIgnoreCase("true") || text.equals("1");
    }
}
