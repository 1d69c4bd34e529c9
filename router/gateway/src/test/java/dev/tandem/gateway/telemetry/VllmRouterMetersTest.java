// SPDX-License-Identifier: Apache-2.0
package dev.tandem.gateway.telemetry;

import static org.assertj.core.api.Assertions.assertThat;

import dev.tandem.core.disagg.BodyEdits;
import dev.tandem.core.disagg.Leg;
import dev.tandem.core.failure.Failure;
import dev.tandem.core.fleet.EngineFacts;
import dev.tandem.core.fleet.Role;
import dev.tandem.core.fleet.Worker;
import dev.tandem.core.fleet.WorkerStatus;
import dev.tandem.core.lifecycle.Outcome;
import dev.tandem.core.lifecycle.RequestListener.LegKind;
import dev.tandem.core.request.ApiKind;
import io.micrometer.prometheusmetrics.PrometheusConfig;
import io.micrometer.prometheusmetrics.PrometheusMeterRegistry;
import java.net.URI;
import java.util.List;
import java.util.Set;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

class VllmRouterMetersTest {
    private static final Worker PREFILL = new Worker("prefill-0", URI.create("http://10.0.0.1:8000"), Role.PREFILL);
    private static final Worker DECODE = new Worker("decode-1", URI.create("http://10.0.0.2:8200"), Role.DECODE);

    private final PrometheusMeterRegistry registry = new PrometheusMeterRegistry(PrometheusConfig.DEFAULT);
    private final VllmRouterMeters meters = new VllmRouterMeters(
            registry,
            () -> List.of(status(PREFILL, WorkerStatus.State.UP, 3), status(DECODE, WorkerStatus.State.DOWN, 5)));

    private static WorkerStatus status(Worker worker, WorkerStatus.State state, int inFlight) {
        return new WorkerStatus(worker, state, "ok", Set.of("m"), EngineFacts.UNKNOWN, inFlight, 8, 0, 1);
    }

    @BeforeEach
    void register() {
        registry.getPrometheusRegistry().register(meters);
    }

    private List<String> scraped(String name) {
        return registry.scrape()
                .lines()
                .filter(line -> line.startsWith("vllm_router_" + name))
                .toList();
    }

    @Test
    void aPairCountsOnBothItsWorkersByTheirUrls() {
        meters.onSettled(Records.ended(new Outcome.Completed()));

        assertThat(scraped(""))
                .contains(
                        "vllm_router_requests_total{route=\"/v1/chat/completions\"} 1.0",
                        "vllm_router_pd_requests_total{route=\"/v1/chat/completions\"} 1.0",
                        "vllm_router_pd_prefill_requests_total{worker=\"http://10.0.0.1:8000\"} 1.0",
                        "vllm_router_pd_decode_requests_total{worker=\"http://10.0.0.2:8200\"} 1.0",
                        "vllm_router_processed_requests_total{worker=\"http://10.0.0.2:8200\"} 1.0",
                        "vllm_router_policy_decisions_total{policy=\"prefix-hash\",worker=\"http://10.0.0.2:8200\"} 1.0",
                        "vllm_router_request_duration_seconds_count{route=\"/v1/chat/completions\"} 1",
                        "vllm_router_pd_request_duration_seconds_sum{route=\"/v1/chat/completions\"} 2.0");
    }

    @Test
    void aBrokenStreamIsAnErrorOfItsDecodeWorker() {
        meters.onSettled(Records.ended(new Outcome.Truncated(Failure.STREAM_INTERRUPTED)));

        assertThat(scraped(""))
                .contains(
                        "vllm_router_request_errors_total{error_type=\"stream_interrupted\",route=\"/v1/chat/completions\"} 1.0",
                        "vllm_router_pd_errors_total{error_type=\"stream_interrupted\"} 1.0",
                        "vllm_router_pd_stream_errors_total{worker=\"http://10.0.0.2:8200\"} 1.0");
    }

    @Test
    void aFailedLegCountsOnItsWorker() {
        meters.onLegFailed(LegKind.PREFILL, new Leg(PREFILL, ApiKind.CHAT, BodyEdits.NONE), Failure.CONNECT_FAILED);

        assertThat(scraped("pd_prefill_errors"))
                .contains("vllm_router_pd_prefill_errors_total{worker=\"http://10.0.0.1:8000\"} 1.0");
    }

    @Test
    void whoWasRefusedBeforeAnybodyWasAskedCountsOnNobody() {
        meters.onSettled(Records.refused(new Outcome.Failed(Failure.OVERLOADED)));

        assertThat(scraped("request_errors"))
                .contains(
                        "vllm_router_request_errors_total{error_type=\"overloaded\",route=\"/v1/chat/completions\"} 1.0");
        assertThat(scraped("processed_requests_total{worker=\"http")).isEmpty();
    }

    @Test
    void workersAreShownAsTheyAre() {
        assertThat(scraped(""))
                .contains(
                        "vllm_router_active_workers 2.0",
                        "vllm_router_max_load 5.0",
                        "vllm_router_min_load 3.0",
                        "vllm_router_worker_health{worker=\"http://10.0.0.1:8000\"} 1.0",
                        "vllm_router_worker_health{worker=\"http://10.0.0.2:8200\"} 0.0",
                        "vllm_router_worker_load{worker=\"http://10.0.0.2:8200\"} 5.0");
    }
}
