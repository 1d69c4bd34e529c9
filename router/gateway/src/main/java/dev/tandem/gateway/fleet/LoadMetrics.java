// SPDX-License-Identifier: Apache-2.0
package dev.tandem.gateway.fleet;

import dev.tandem.core.fleet.Worker;
import dev.tandem.core.health.EngineLoad;
import java.util.EnumMap;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.Set;

/**
 * Reads from the metrics that an engine shows how loaded it is, and whether it does anything. Immutable.
 *
 * <p>Of what waits in vLLM only that counts for which there is no room; the rest waits for KV caches of other engines.
 * Numbers of all engines of a server are added up, and the emptiest of their KV caches counts.
 *
 * <p>Source: vLLM 0.32.0 and llama.cpp b11669, recorded 2026-11-21; SGLang's documentation of 2026-08.
 */
final class LoadMetrics {
    private static final double MOST = 1e6;
    private static final String NO_ROOM = "reason=\"capacity\"";

    private static final Map<String, Quantity> NAMES = Map.of(
            "vllm:num_requests_running", Quantity.RUNNING,
            "vllm:num_requests_waiting", Quantity.WAITING,
            "vllm:num_requests_waiting_by_reason", Quantity.WAITING_FOR_ROOM,
            "vllm:kv_cache_usage_perc", Quantity.KV_USAGE,
            "sglang:num_running_reqs", Quantity.RUNNING,
            "sglang:num_queue_reqs", Quantity.WAITING,
            "sglang:token_usage", Quantity.KV_USAGE,
            "llamacpp:requests_processing", Quantity.RUNNING,
            "llamacpp:requests_deferred", Quantity.WAITING);

    private static final Set<String> DONE = Set.of(
            "vllm:prompt_tokens_total",
            "vllm:generation_tokens_total",
            "vllm:kv_cache_usage_perc",
            "llamacpp:n_decode_total");

    private final String text;

    LoadMetrics(String text) {
        this.text = text;
    }

    /**
     * Returns a number that changes as long as a rank of the server, or any of them, generates or computes prompts;
     * empty when the engine tells none.
     *
     * <p>vLLM counts tokens with each step, and the use of its KV cache grows with each chunk of a prompt; llama.cpp
     * counts batches. SGLang counts when a request has ended, which says nothing in between.
     */
    OptionalDouble done(int rank) {
        return text.lines()
                .filter(line -> DONE.contains(name(line)) && ofRank(line, rank))
                .mapToDouble(LoadMetrics::value)
                .filter(value -> value >= 0)
                .reduce(Double::sum);
    }

    private enum Quantity {
        RUNNING,
        WAITING,
        WAITING_FOR_ROOM,
        KV_USAGE
    }

    /**
     * Returns the load of one rank of the server, or of the whole server.
     *
     * @param rank number of the rank, or {@link Worker#ONLY}
     * @return empty when the engine does not say how many requests run and wait
     */
    Optional<EngineLoad> of(int rank) {
        Map<Quantity, Double> found = new EnumMap<>(Quantity.class);
        text.lines().forEach(line -> read(line, rank, found));
        Double running = found.get(Quantity.RUNNING);
        Double waiting = found.getOrDefault(Quantity.WAITING_FOR_ROOM, found.get(Quantity.WAITING));
        return running == null || waiting == null
                ? Optional.empty()
                : Optional.of(new EngineLoad(
                        count(running), count(waiting), Math.min(1, found.getOrDefault(Quantity.KV_USAGE, 0.0))));
    }

    private static void read(String line, int rank, Map<Quantity, Double> found) {
        Quantity quantity = NAMES.get(name(line));
        boolean other = quantity == Quantity.WAITING_FOR_ROOM && !line.contains(NO_ROOM);
        if (quantity == null || other || !ofRank(line, rank)) {
            return;
        }
        double value = value(line);
        if (value >= 0) {
            found.merge(quantity, value, quantity == Quantity.KV_USAGE ? Math::min : Double::sum);
        }
    }

    private static String name(String line) {
        int labels = line.indexOf('{');
        int end = labels < 0 ? line.indexOf(' ') : labels;
        return end < 0 ? "" : line.substring(0, end);
    }

    private static boolean ofRank(String line, int rank) {
        return rank == Worker.ONLY || !line.contains("engine=\"") || line.contains("engine=\"" + rank + "\"");
    }

    /** Returns the value, or one below 0 when it is none; {@code -0} is 0. */
    private static double value(String line) {
        try {
            return Double.parseDouble(line.substring(line.lastIndexOf(' ') + 1)) + 0.0;
        } catch (NumberFormatException none) {
            return -1;
        }
    }

    private static int count(double requests) {
        return (int) Math.min(MOST, requests);
    }
}
