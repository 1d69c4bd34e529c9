// SPDX-License-Identifier: Apache-2.0
package dev.tandem.gateway.fleet;

import dev.tandem.core.fleet.EngineFacts;
import dev.tandem.core.fleet.EngineVersion;
import dev.tandem.core.fleet.Worker;
import java.nio.charset.StandardCharsets;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import org.jspecify.annotations.Nullable;
import reactor.core.publisher.Mono;

/**
 * Finds out which hand-over protocol an engine speaks, without running a request on it. Thread-safe.
 *
 * <p>{@code llama-server} tells its slots on {@code /props}, and whether it saves them by how it refuses a file name
 * that can not be one: 400 when it does, 501 when it was started without {@code --slot-save-path}. vLLM registers the
 * metrics of its connector at start: {@code vllm:nixl_*} with NIXL, {@code vllm:num_requests_kv_fetch_by_stage} with
 * any. Source: llama.cpp b11669 and vLLM 0.32.0, recorded 2026-11-21.
 */
final class EngineInspector {
    private static final String NO_FILE = "{\"filename\":\"../none\"}";
    private static final String NIXL = "\n# TYPE vllm:nixl_";
    private static final String ANY_CONNECTOR = "\n# TYPE vllm:num_requests_kv_fetch_by_stage";
    private static final String VLLM = "\n# TYPE vllm:";

    private final ProbeClient engines;
    private final Map<Worker, EngineFacts> known = new ConcurrentHashMap<>();

    EngineInspector(ProbeClient engines) {
        this.engines = engines;
    }

    /** Returns what an engine that has just passed its probe says of itself; never fails. */
    Mono<EngineFacts> inspect(Worker worker, @Nullable String apiKey) {
        EngineFacts before = known.getOrDefault(worker, EngineFacts.UNKNOWN);
        if (before.connector() != null && before.slots() == 0) {
            return Mono.just(before);
        }
        return engines.get(worker, "/props", "props", apiKey)
                .flatMap(props -> slots(worker, apiKey, before, props))
                .onErrorResume(noProps -> metrics(worker, apiKey))
                .onErrorReturn(EngineFacts.UNKNOWN)
                .doOnNext(facts -> known.put(worker, facts));
    }

    /** The worker did not answer: another engine may come back in its place. */
    void forget(Worker worker) {
        known.remove(worker);
    }

    private Mono<EngineFacts> slots(Worker worker, @Nullable String apiKey, EngineFacts before, byte[] props) {
        int slots = ProbeJson.number(props, "total_slots");
        if (slots < 0) {
            return Mono.error(new ProbeFailure("props: no slots"));
        }
        if (before.slots() == slots) {
            return Mono.just(before);
        }
        EngineVersion version =
                EngineVersions.version(ProbeJson.text(props, "build_info")).orElse(null);
        return engines.post(worker, "/slots/0?action=restore", NO_FILE, apiKey)
                .map(status -> new EngineFacts(status == 400 ? "llamacpp-slot" : "plain", slots).running(version));
    }

    private Mono<EngineFacts> metrics(Worker worker, @Nullable String apiKey) {
        return engines.get(worker, "/metrics", "metrics", apiKey)
                .map(body -> new EngineFacts(connector(new String(body, StandardCharsets.UTF_8)), 0));
    }

    private static @Nullable String connector(String metrics) {
        if (metrics.contains(NIXL)) {
            return "nixl";
        }
        if (metrics.contains(ANY_CONNECTOR)) {
            return "shared-cache";
        }
        return metrics.contains(VLLM) ? "plain" : null;
    }
}
