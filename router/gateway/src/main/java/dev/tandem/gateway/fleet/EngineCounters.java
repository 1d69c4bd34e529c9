// SPDX-License-Identifier: Apache-2.0
package dev.tandem.gateway.fleet;

import dev.tandem.core.fleet.PromptCounts;
import dev.tandem.core.fleet.Worker;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.Optional;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;
import reactor.core.publisher.Mono;
import reactor.netty.resources.ConnectionProvider;

/**
 * Reads from the metrics of vLLM how many prompt tokens an engine has dealt with, and how many of them it did not
 * compute because they had been handed over. Thread-safe.
 *
 * <p>Both are counted with the first token of an answer, for all ranks and models of the server. Source: vLLM 0.32.0,
 * recorded 2026-11-21.
 */
public final class EngineCounters implements AutoCloseable {
    private static final String PROMPT = "vllm:prompt_tokens_total{";
    private static final String BY_SOURCE = "vllm:prompt_tokens_by_source_total{";
    private static final String HANDED_OVER = "source=\"external_kv_transfer\"";

    private final ConnectionProvider connections;
    private final ProbeClient engines;
    private final Function<Worker, @Nullable String> apiKeys;

    /**
     * Makes a reader.
     *
     * @param timeout longest wait for an engine
     * @param apiKeys the API key of a worker, or null
     */
    public EngineCounters(Duration timeout, Function<Worker, @Nullable String> apiKeys) {
        this.connections = ConnectionProvider.create("tandem-counters", 2);
        this.engines = new ProbeClient(connections, timeout);
        this.apiKeys = apiKeys;
    }

    /** Returns what the engine of a worker has counted so far; empty when it does not tell. Never fails. */
    public Mono<PromptCounts> read(Worker worker) {
        return engines.get(worker, "/metrics", "metrics", apiKeys.apply(worker))
                .mapNotNull(
                        body -> counts(new String(body, StandardCharsets.UTF_8)).orElse(null))
                .onErrorComplete();
    }

    static Optional<PromptCounts> counts(String metrics) {
        try {
            return sums(metrics);
        } catch (NumberFormatException notMetrics) {
            return Optional.empty();
        }
    }

    private static Optional<PromptCounts> sums(String metrics) {
        long prompt = 0;
        long handedOver = 0;
        boolean told = false;
        for (String line : metrics.lines()
                .filter(line -> line.startsWith("vllm:prompt_tokens_"))
                .toList()) {
            if (line.startsWith(PROMPT)) {
                prompt += value(line);
            } else if (line.startsWith(BY_SOURCE) && line.contains(HANDED_OVER)) {
                handedOver += value(line);
                told = true;
            }
        }
        return told ? Optional.of(new PromptCounts(prompt, handedOver)) : Optional.empty();
    }

    private static long value(String line) {
        return (long) Double.parseDouble(line.substring(line.lastIndexOf(' ') + 1));
    }

    @Override
    public void close() {
        connections.dispose();
    }
}
