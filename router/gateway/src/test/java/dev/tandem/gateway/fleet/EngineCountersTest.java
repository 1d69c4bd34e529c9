// SPDX-License-Identifier: Apache-2.0
package dev.tandem.gateway.fleet;

import static org.assertj.core.api.Assertions.assertThat;

import dev.tandem.core.fleet.PromptCounts;
import java.time.Duration;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import reactor.core.publisher.Mono;
import reactor.netty.DisposableServer;
import reactor.netty.http.server.HttpServer;

class EngineCountersTest {
    /** From vLLM 0.32.0, a decode engine with NIXL that had three failed transfers, recorded 2026-11-21. */
    private static final String RECORDED = """
            # TYPE vllm:external_prefix_cache_hits_total counter
            vllm:external_prefix_cache_hits_total{engine="0",model_name="tiny"} 803.0
            # HELP vllm:prompt_tokens_total Number of prefill tokens processed.
            # TYPE vllm:prompt_tokens_total counter
            vllm:prompt_tokens_total{engine="0",model_name="tiny"} 402.0
            # TYPE vllm:prompt_tokens_created gauge
            vllm:prompt_tokens_created{engine="0",model_name="tiny"} 1.7637228e+09
            # HELP vllm:prompt_tokens_by_source_total Number of prompt tokens by source.
            # TYPE vllm:prompt_tokens_by_source_total counter
            vllm:prompt_tokens_by_source_total{engine="0",model_name="tiny",source="local_compute"} 1.0
            vllm:prompt_tokens_by_source_total{engine="0",model_name="tiny",source="local_cache_hit"} 1.0
            vllm:prompt_tokens_by_source_total{engine="0",model_name="tiny",source="external_kv_transfer"} 400.0
            # TYPE vllm:prompt_tokens_by_source_created gauge
            vllm:prompt_tokens_by_source_created{engine="0",model_name="tiny",source="external_kv_transfer"} 1.7e+09
            vllm:prompt_tokens_cached_by_source_total{engine="0",model_name="tiny",source="p2p"} 803.0
            """;

    private volatile String metrics = RECORDED;
    private final DisposableServer engine = HttpServer.create()
            .host("127.0.0.1")
            .port(0)
            .route(routes -> routes.get("/metrics", (request, response) -> response.sendString(Mono.just(metrics))))
            .bindNow();
    private final EngineCounters counters = new EngineCounters(Duration.ofSeconds(10), worker -> null);

    @AfterEach
    void stop() {
        counters.close();
        engine.disposeNow();
    }

    @Test
    void readsWhatWasNotComputedHere() {
        assertThat(counters.read(TestEngine.worker("d", engine.port())).block()).isEqualTo(new PromptCounts(402, 400));
    }

    @Test
    void ranksCountTogether() {
        metrics = RECORDED + RECORDED.replace("engine=\"0\"", "engine=\"1\"");

        assertThat(counters.read(TestEngine.worker("d", engine.port())).block()).isEqualTo(new PromptCounts(804, 800));
    }

    @Test
    void whoDoesNotTellIsNoFailure() {
        metrics = "# TYPE llamacpp:prompt_tokens_total counter\nllamacpp:prompt_tokens_total 5\n";
        assertThat(counters.read(TestEngine.worker("d", engine.port())).blockOptional())
                .isEmpty();

        metrics = "vllm:prompt_tokens_by_source_total{source=\"external_kv_transfer\"} many\n";
        assertThat(counters.read(TestEngine.worker("d", engine.port())).blockOptional())
                .isEmpty();

        engine.disposeNow();
        assertThat(counters.read(TestEngine.worker("d", engine.port())).blockOptional())
                .isEmpty();
    }
}
