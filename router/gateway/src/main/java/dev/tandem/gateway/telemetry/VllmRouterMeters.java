// SPDX-License-Identifier: Apache-2.0
package dev.tandem.gateway.telemetry;

import dev.tandem.core.disagg.Leg;
import dev.tandem.core.failure.Failure;
import dev.tandem.core.fleet.Worker;
import dev.tandem.core.fleet.WorkerStatus;
import dev.tandem.core.lifecycle.Outcome;
import dev.tandem.core.lifecycle.RequestListener;
import dev.tandem.core.lifecycle.RequestRecord;
import dev.tandem.core.request.ApiKind;
import io.micrometer.core.instrument.Counter;
import io.micrometer.core.instrument.MeterRegistry;
import io.micrometer.core.instrument.Timer;
import io.prometheus.metrics.model.registry.MultiCollector;
import io.prometheus.metrics.model.snapshots.GaugeSnapshot;
import io.prometheus.metrics.model.snapshots.GaugeSnapshot.GaugeDataPointSnapshot;
import io.prometheus.metrics.model.snapshots.Labels;
import io.prometheus.metrics.model.snapshots.MetricSnapshots;
import java.time.Duration;
import java.util.IntSummaryStatistics;
import java.util.List;
import java.util.function.Function;
import java.util.function.Supplier;
import java.util.function.ToDoubleFunction;
import org.jspecify.annotations.Nullable;

/**
 * The series of vllm-router beside our own, so that its dashboards go on showing something. Thread-safe.
 *
 * <p>Only those that mean the same here: a route is the path of an API, a worker its URL, an error type one of our
 * failure codes. Source: vllm-router 0.1.14, metrics reference, read 2026-11-21.
 */
public final class VllmRouterMeters implements RequestListener, MultiCollector {
    private static final String PREFIX = "vllm_router_";
    private static final String ROUTE = "route";
    private static final String WORKER = "worker";
    private static final String ERROR = "error_type";

    private final MeterRegistry registry;
    private final Supplier<List<WorkerStatus>> statuses;
    private final ByConstant<ApiKind, Counter> requests;
    private final ByConstant<ApiKind, Timer> durations;
    private final ByConstant<ApiKind, Counter> retries;
    private final ByConstant<ApiKind, Counter> pairs;
    private final ByConstant<ApiKind, Timer> pairDurations;
    private final ByConstant<ApiKind, ByConstant<Failure, Counter>> errors;
    private final ByConstant<Failure, Counter> pairErrors;
    private final CappedNames<Counter> processed;
    private final CappedNames<Counter> prefills;
    private final CappedNames<Counter> decodes;
    private final ByConstant<LegKind, CappedNames<Counter>> legErrors;
    private final CappedNames<Counter> streamErrors;
    private final CappedNames<CappedNames<Counter>> decisions;

    /**
     * Registers the series.
     *
     * @param registry where they are registered
     * @param statuses the workers, read at every scrape
     */
    public VllmRouterMeters(MeterRegistry registry, Supplier<List<WorkerStatus>> statuses) {
        this.registry = registry;
        this.statuses = statuses;
        requests = byApi(api -> counter("requests", ROUTE, api.path()));
        durations = byApi(api -> timer("request.duration", api));
        retries = byApi(api -> counter("retries", ROUTE, api.path()));
        pairs = byApi(api -> counter("pd.requests", ROUTE, api.path()));
        pairDurations = byApi(api -> timer("pd.request.duration", api));
        errors =
                byApi(api -> byFailure(failure -> counter("request.errors", ROUTE, api.path(), ERROR, failure.code())));
        pairErrors = byFailure(failure -> counter("pd.errors", ERROR, failure.code()));
        processed = byWorker("processed.requests");
        prefills = byWorker("pd.prefill.requests");
        decodes = byWorker("pd.decode.requests");
        streamErrors = byWorker("pd.stream.errors");
        legErrors = new ByConstant<>(LegKind.values(), kind -> byWorker("pd." + MeterTag.leg(kind) + ".errors"));
        decisions = new CappedNames<>(
                MeterListener.MAX_NAMES,
                policy -> new CappedNames<>(
                        MeterListener.MAX_PAIRS,
                        worker -> counter("policy.decisions", "policy", policy, WORKER, worker)));
    }

    @Override
    public void onLegFailed(LegKind kind, Leg leg, Failure failure) {
        legErrors.get(kind).get(url(leg.worker())).increment();
    }

    @Override
    public void onSettled(RequestRecord record) {
        ApiKind api = record.api();
        RequestRecord.Route route = record.route();
        requests.get(api).increment();
        MeterListener.record(durations.get(api), record.timings().e2e());
        MeterListener.add(retries.get(api), route.attempts() - 1L);
        String decode = urlOf(route.decode());
        if (decode != null) {
            processed.get(decode).increment();
            decisions.get(route.policy()).get(decode).increment();
        }
        boolean pair = route.prefill() != null;
        if (pair) {
            pairs.get(api).increment();
            MeterListener.record(pairDurations.get(api), record.timings().e2e());
            prefills.get(urlOf(route.prefill())).increment();
            decodes.get(decode).increment();
        }
        countFailure(api, record.outcome(), pair, decode);
    }

    @Override
    public MetricSnapshots collect() {
        List<WorkerStatus> now = statuses.get();
        IntSummaryStatistics load =
                now.stream().mapToInt(WorkerStatus::inFlight).summaryStatistics();
        return MetricSnapshots.of(
                gauge("active_workers", now.size()),
                gauge("max_load", now.isEmpty() ? 0 : load.getMax()),
                gauge("min_load", now.isEmpty() ? 0 : load.getMin()),
                gauge("worker_health", now, status -> status.state().serving() ? 1 : 0),
                gauge("worker_load", now, WorkerStatus::inFlight),
                gauge("running_requests", now, WorkerStatus::inFlight));
    }

    private void countFailure(ApiKind api, Outcome outcome, boolean pair, @Nullable String decode) {
        switch (outcome) {
            case Outcome.Completed completed -> {}
            case Outcome.ClientLeft left -> {}
            case Outcome.Failed(Failure failure) -> failed(api, failure, pair);
            case Outcome.Truncated(Failure failure) -> {
                failed(api, failure, pair);
                if (pair) {
                    streamErrors.get(decode).increment();
                }
            }
        }
    }

    private void failed(ApiKind api, Failure failure, boolean pair) {
        errors.get(api).get(failure).increment();
        if (pair) {
            pairErrors.get(failure).increment();
        }
    }

    private @Nullable String urlOf(@Nullable String id) {
        return id == null
                ? null
                : statuses.get().stream()
                        .map(WorkerStatus::worker)
                        .filter(worker -> worker.id().equals(id))
                        .map(VllmRouterMeters::url)
                        .findFirst()
                        .orElse(null);
    }

    private static String url(Worker worker) {
        String rank = worker.rank() == Worker.ONLY ? "" : "@" + worker.rank();
        return worker.baseUrl() + rank;
    }

    private Counter counter(String name, String... tags) {
        return Counter.builder(PREFIX + name).tags(tags).register(registry);
    }

    private Timer timer(String name, ApiKind api) {
        return Timer.builder(PREFIX + name)
                .tags(ROUTE, api.path())
                .serviceLevelObjectives(Buckets.WHOLE.bounds().toArray(Duration[]::new))
                .register(registry);
    }

    private CappedNames<Counter> byWorker(String name) {
        return new CappedNames<>(MeterListener.MAX_PAIRS, worker -> counter(name, WORKER, worker));
    }

    private static <T> ByConstant<ApiKind, T> byApi(Function<ApiKind, T> make) {
        return new ByConstant<>(ApiKind.values(), make);
    }

    private static <T> ByConstant<Failure, T> byFailure(Function<Failure, T> make) {
        return new ByConstant<>(Failure.values(), make);
    }

    private static GaugeSnapshot gauge(String name, double value) {
        return GaugeSnapshot.builder()
                .name(PREFIX + name)
                .dataPoint(GaugeDataPointSnapshot.builder().value(value).build())
                .build();
    }

    private static GaugeSnapshot gauge(String name, List<WorkerStatus> now, ToDoubleFunction<WorkerStatus> value) {
        GaugeSnapshot.Builder builder = GaugeSnapshot.builder().name(PREFIX + name);
        now.forEach(status -> builder.dataPoint(GaugeDataPointSnapshot.builder()
                .labels(Labels.of(WORKER, url(status.worker())))
                .value(value.applyAsDouble(status))
                .build()));
        return builder.build();
    }
}
