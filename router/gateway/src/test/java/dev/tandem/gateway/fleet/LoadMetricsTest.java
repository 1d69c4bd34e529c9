// SPDX-License-Identifier: Apache-2.0
package dev.tandem.gateway.fleet;

import static org.assertj.core.api.Assertions.assertThat;

import dev.tandem.core.fleet.Worker;
import dev.tandem.core.health.EngineLoad;
import java.util.Optional;
import java.util.OptionalDouble;
import org.junit.jupiter.api.Test;

class LoadMetricsTest {
    /** Lines as vLLM 0.32.0 shows them, recorded 2026-11-21; the numbers are ours. */
    private static final String VLLM = """
            # HELP vllm:num_requests_running Number of requests in model execution batches.
            # TYPE vllm:num_requests_running gauge
            vllm:num_requests_running{engine="0",model_name="tiny"} 4.0
            # TYPE vllm:num_requests_waiting gauge
            vllm:num_requests_waiting{engine="0",model_name="tiny"} 9.0
            # TYPE vllm:num_requests_waiting_by_reason gauge
            vllm:num_requests_waiting_by_reason{engine="0",model_name="tiny",reason="capacity"} 7.0
            vllm:num_requests_waiting_by_reason{engine="0",model_name="tiny",reason="deferred"} 2.0
            # TYPE vllm:kv_cache_usage_perc gauge
            vllm:kv_cache_usage_perc{engine="0",model_name="tiny"} 0.25
            vllm:prompt_tokens_total{engine="0",model_name="tiny"} 402.0
            """;

    @Test
    void whatWaitsForKvOfOthersIsNoSignOfLoad() {
        assertThat(of(VLLM, Worker.ONLY)).contains(new EngineLoad(4, 7, 0.25));
    }

    @Test
    void enginesThatGiveNoReasonsCountWhole() {
        String older = VLLM.replaceAll("(?m)^vllm:num_requests_waiting_by_reason.*\n", "");
        assertThat(of(older, Worker.ONLY)).contains(new EngineLoad(4, 9, 0.25));
    }

    @Test
    void enginesOfAServerAddUpAndRanksAreToldApart() {
        String two = VLLM
                + VLLM.replace("engine=\"0\"", "engine=\"1\"")
                        .replace("7.0", "1.0")
                        .replace("0.25", "0.75");
        assertThat(of(two, Worker.ONLY)).contains(new EngineLoad(8, 8, 0.25));
        assertThat(of(two, 1)).contains(new EngineLoad(4, 1, 0.75));
        assertThat(of(two, 2)).isEmpty();
    }

    /** Recorded with llama.cpp b11669, 2026-11-21; the numbers are ours. */
    @Test
    void readsLlamaCpp() {
        String text = """
                llamacpp:n_decode_total 67
                llamacpp:requests_processing 2
                llamacpp:requests_deferred 3
                """;
        assertThat(of(text, Worker.ONLY)).contains(new EngineLoad(2, 3, 0));
    }

    @Test
    void readsSglang() {
        String text = """
                sglang:num_running_reqs{model_name="m"} 2.0
                sglang:num_queue_reqs{model_name="m"} 1.0
                sglang:token_usage{model_name="m"} 0.5
                """;
        assertThat(of(text, Worker.ONLY)).contains(new EngineLoad(2, 1, 0.5));
    }

    @Test
    void whatAnEngineHasDoneChangesWithEachStep() {
        OptionalDouble before = done(VLLM, Worker.ONLY);
        assertThat(before).hasValue(402.25);
        assertThat(done(VLLM.replace("402", "403"), Worker.ONLY)).isNotEqualTo(before);
        assertThat(done(VLLM.replace("0.25", "0.26"), Worker.ONLY))
                .as("a chunk of a prompt")
                .isNotEqualTo(before);
        assertThat(done(VLLM.replace("4.0", "5.0"), Worker.ONLY))
                .as("one more that runs")
                .isEqualTo(before);
        assertThat(done(VLLM, 1)).as("another rank").isEmpty();
        assertThat(done("llamacpp:n_decode_total 67\nllamacpp:requests_processing 2", Worker.ONLY))
                .hasValue(67);
        assertThat(done("sglang:generation_tokens_total{model_name=\"m\"} 7.0", Worker.ONLY))
                .isEmpty();
        assertThat(done("vllm:generation_tokens_total -0", Worker.ONLY)).hasValue(0.0);
        assertThat(done("vllm:generation_tokens_total NaN\n\nvllm:prompt_tokens_total", Worker.ONLY))
                .isEmpty();
    }

    private static OptionalDouble done(String text, int rank) {
        return new LoadMetrics(text).done(rank);
    }

    @Test
    void liesAreNoAnswerOrStayWithinBounds() {
        assertThat(of("", Worker.ONLY)).isEmpty();
        assertThat(of("{}", Worker.ONLY)).isEmpty();
        assertThat(of(VLLM.replace("4.0", "NaN"), Worker.ONLY)).isEmpty();
        assertThat(of(VLLM.replace("4.0", "-1"), Worker.ONLY)).isEmpty();
        assertThat(of(VLLM.replace("4.0", "many"), Worker.ONLY)).isEmpty();
        assertThat(of(VLLM.replace("9.0", "+Inf").replace("7.0", "+Inf"), Worker.ONLY))
                .isEmpty();
        assertThat(of(VLLM.replace("4.0", "1e300").replace("0.25", "9"), Worker.ONLY))
                .contains(new EngineLoad(1_000_000, 7, 1));
        assertThat(of(VLLM.replace("0.25", "-0"), Worker.ONLY)).contains(new EngineLoad(4, 7, 0));
    }

    private static Optional<EngineLoad> of(String metrics, int rank) {
        return new LoadMetrics(metrics).of(rank);
    }
}
