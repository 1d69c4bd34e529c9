// SPDX-License-Identifier: Apache-2.0
package dev.tandem.gateway.telemetry;

import dev.tandem.core.fleet.Worker;
import dev.tandem.core.fleet.WorkerStatus;
import dev.tandem.core.health.ConcurrencyLimit;
import io.prometheus.metrics.model.registry.MultiCollector;
import io.prometheus.metrics.model.snapshots.GaugeSnapshot;
import io.prometheus.metrics.model.snapshots.GaugeSnapshot.GaugeDataPointSnapshot;
import io.prometheus.metrics.model.snapshots.Labels;
import io.prometheus.metrics.model.snapshots.MetricSnapshots;
import java.util.List;
import java.util.function.Supplier;
import java.util.function.ToDoubleFunction;

/**
 * The gauges of the workers. Thread-safe.
 *
 * <p>The fleet is read once per scrape, so that a worker which has come or gone is seen at once and no series outlives
 * its worker; meters registered one by one could do neither.
 */
public final class WorkerGauges implements MultiCollector {
    private final Supplier<List<WorkerStatus>> statuses;

    /** Reads the fleet from {@code statuses} at every scrape. */
    public WorkerGauges(Supplier<List<WorkerStatus>> statuses) {
        this.statuses = statuses;
    }

    @Override
    public MetricSnapshots collect() {
        List<WorkerStatus> now = statuses.get();
        return MetricSnapshots.of(
                gauge(Meters.WORKER_UP, now, status -> status.state().serving() ? 1 : 0),
                gauge(Meters.WORKER_IN_FLIGHT, now, WorkerStatus::inFlight),
                gauge(Meters.WORKER_LIMIT, limited(now), WorkerStatus::limit),
                gauge(Meters.WORKER_PENDING_TOKENS, now, WorkerStatus::pendingTokens));
    }

    private static List<WorkerStatus> limited(List<WorkerStatus> statuses) {
        return statuses.stream()
                .filter(status -> status.limit() != ConcurrencyLimit.NONE)
                .toList();
    }

    private static GaugeSnapshot gauge(
            Meters meter, List<WorkerStatus> statuses, ToDoubleFunction<WorkerStatus> value) {
        GaugeSnapshot.Builder builder =
                GaugeSnapshot.builder().name(meter.prometheusName()).help(meter.sentence());
        for (WorkerStatus status : statuses) {
            builder.dataPoint(GaugeDataPointSnapshot.builder()
                    .labels(labels(status.worker()))
                    .value(value.applyAsDouble(status))
                    .build());
        }
        return builder.build();
    }

    private static Labels labels(Worker worker) {
        return Labels.of(MeterTag.ROLE.key(), worker.role().tag(), MeterTag.WORKER.key(), worker.id());
    }
}
