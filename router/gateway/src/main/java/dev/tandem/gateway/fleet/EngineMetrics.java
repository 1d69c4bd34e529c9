// SPDX-License-Identifier: Apache-2.0
package dev.tandem.gateway.fleet;

import dev.tandem.core.fleet.EngineFacts;
import java.util.Optional;

/**
 * Reads from vLLM's metrics which connector an engine was started with. Stateless.
 *
 * <p>An engine registers the metrics of its connector at start: {@code vllm:nixl_*}, {@code vllm:lmcache_mp_*},
 * {@code vllm:kv_offload_*}, and {@code vllm:num_requests_kv_fetch_by_stage} with any. Source: vLLM 0.32.0, recorded
 * 2026-11-21; offloading: its documentation of 2026-08-17.
 */
final class EngineMetrics {
    private static final String TYPE = "\n# TYPE vllm:";
    private static final String ANY_CONNECTOR = "num_requests_kv_fetch_by_stage";

    private EngineMetrics() {}

    /** Returns what the metrics show; empty when they are not vLLM's. */
    static Optional<Spoken> read(String metrics) {
        String text = "\n" + metrics;
        return text.contains(TYPE) ? Optional.of(vllm(text).of(EngineFacts.Kind.VLLM)) : Optional.empty();
    }

    private static Spoken vllm(String text) {
        if (text.contains(TYPE + "nixl_")) {
            return Spoken.likely("nixl", "metrics vllm:nixl_*", "nixl-push");
        }
        if (text.contains(TYPE + "lmcache_mp_")) {
            return Spoken.likely("shared-cache", "metrics vllm:lmcache_mp_*", "lmcache-mp");
        }
        if (text.contains(TYPE + "kv_offload_")) {
            return Spoken.likely("shared-cache", "metrics vllm:kv_offload_*", "offload-p2p", "offload-pull");
        }
        return text.contains(TYPE + ANY_CONNECTOR)
                ? Spoken.likely(
                        "shared-cache",
                        "metrics vllm:" + ANY_CONNECTOR,
                        "lmcache-pd",
                        "lmcache-pd-first-token",
                        "lmcache-pd-notified",
                        "mooncake",
                        "moriio-read",
                        "moriio-write",
                        "p2p-nccl",
                        "ascend-layerwise")
                : Spoken.only("plain", "metrics of vLLM without a connector");
    }
}
