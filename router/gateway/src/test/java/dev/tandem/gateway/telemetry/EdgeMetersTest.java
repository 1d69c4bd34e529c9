// SPDX-License-Identifier: Apache-2.0
package dev.tandem.gateway.telemetry;

import static org.assertj.core.api.Assertions.assertThat;

import dev.tandem.core.lifecycle.EdgeListener.Rejection;
import io.micrometer.prometheusmetrics.PrometheusConfig;
import io.micrometer.prometheusmetrics.PrometheusMeterRegistry;
import org.junit.jupiter.api.Test;

class EdgeMetersTest {
    private final PrometheusMeterRegistry registry = new PrometheusMeterRegistry(PrometheusConfig.DEFAULT);
    private final EdgeMeters meters = new EdgeMeters(registry, () -> 7, () -> 4_096);

    @Test
    void everyReasonIsThereBeforeTheFirstRejection() {
        assertThat(registry.scrape().lines().filter(line -> line.startsWith("tandem_edge_rejected_total{")))
                .hasSize(Rejection.values().length)
                .allSatisfy(line -> assertThat(line).endsWith(" 0.0"));
    }

    @Test
    void countsRejectionsAndShowsWhatIsHeld() {
        meters.onRejected(Rejection.PIPELINED);

        assertThat(registry.scrape())
                .contains("tandem_edge_rejected_total{reason=\"pipelined\"} 1.0")
                .contains("tandem_edge_connections 7.0")
                .contains("tandem_edge_bodies_bytes 4096.0");
    }
}
