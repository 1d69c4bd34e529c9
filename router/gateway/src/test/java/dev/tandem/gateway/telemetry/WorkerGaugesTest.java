// SPDX-License-Identifier: Apache-2.0
package dev.tandem.gateway.telemetry;

import static org.assertj.core.api.Assertions.assertThat;

import dev.tandem.core.fleet.EngineFacts;
import dev.tandem.core.fleet.Role;
import dev.tandem.core.fleet.Worker;
import dev.tandem.core.fleet.WorkerStatus;
import dev.tandem.core.fleet.WorkerStatus.State;
import io.micrometer.prometheusmetrics.PrometheusConfig;
import io.micrometer.prometheusmetrics.PrometheusMeterRegistry;
import java.net.URI;
import java.util.List;
import java.util.Set;
import org.junit.jupiter.api.Test;

final class WorkerGaugesTest {
    private List<WorkerStatus> fleet = List.of();
    private final PrometheusMeterRegistry registry = new PrometheusMeterRegistry(PrometheusConfig.DEFAULT);

    @Test
    void showsTheFleetAsItIsWhenScraped() {
        registry.getPrometheusRegistry().register(new WorkerGauges(() -> fleet));
        fleet = List.of(status("p", Role.PREFILL, State.UP, 3, 4_096), status("d", Role.DECODE, State.DOWN, 0, 0));

        assertThat(registry.scrape())
                .contains("tandem_worker_up{role=\"prefill\",worker=\"p\"} 1.0")
                .contains("tandem_worker_up{role=\"decode\",worker=\"d\"} 0.0")
                .contains("tandem_worker_in_flight{role=\"prefill\",worker=\"p\"} 3.0")
                .contains("tandem_worker_pending_tokens{role=\"prefill\",worker=\"p\"} 4096.0");
    }

    @Test
    void forgetsAWorkerThatHasGone() {
        registry.getPrometheusRegistry().register(new WorkerGauges(() -> fleet));
        fleet = List.of(status("p", Role.PREFILL, State.UP, 0, 0));
        registry.scrape();
        fleet = List.of(status("q", Role.PREFILL, State.DRAINING, 0, 0));

        assertThat(registry.scrape())
                .doesNotContain("worker=\"p\"")
                .contains("tandem_worker_up{role=\"prefill\",worker=\"q\"} 0.0");
    }

    private static WorkerStatus status(String id, Role role, State state, int inFlight, long pending) {
        Worker worker = new Worker(id, URI.create("http://127.0.0.1:1"), role);
        return new WorkerStatus(worker, state, "ok", Set.of("tiny"), EngineFacts.UNKNOWN, inFlight, 8, pending, 1);
    }
}
