// SPDX-License-Identifier: Apache-2.0
package dev.tandem.gateway.telemetry;

import dev.tandem.core.disagg.Exchange;
import dev.tandem.core.disagg.HandoverProof;
import dev.tandem.core.disagg.Leg;
import dev.tandem.core.failure.Failure;
import dev.tandem.core.fleet.Worker;
import dev.tandem.core.lifecycle.Outcome;
import dev.tandem.core.lifecycle.Outcome.ClientLeft;
import dev.tandem.core.lifecycle.Outcome.Completed;
import dev.tandem.core.lifecycle.Outcome.Failed;
import dev.tandem.core.lifecycle.Outcome.Truncated;
import dev.tandem.core.lifecycle.RequestListener;
import dev.tandem.core.lifecycle.RequestRecord;
import dev.tandem.core.request.ApiKind;
import io.micrometer.core.instrument.Counter;
import io.micrometer.core.instrument.DistributionSummary;
import io.micrometer.core.instrument.MeterRegistry;
import io.micrometer.core.instrument.Timer;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.LongAdder;

/**
 * Counts requests. Thread-safe; allocates nothing per event of a stream.
 *
 * <p>Meters are resolved once and kept in arrays by enum; the only look-ups by name are those of the model and the
 * policy, once per request.
 */
public final class MeterListener implements RequestListener {
    /** Values of the tag {@code outcome}, in the order of {@link #index}. */
    static final List<String> OUTCOMES = List.of("completed", "truncated", "client_left", "failed");

    /** Names of models and of policies that get series of their own. */
    static final int MAX_NAMES = 32;

    /** Pairs of workers that get series of their own. */
    static final int MAX_PAIRS = 256;

    private final LongAdder inFlight = new LongAdder();
    private final Timer itl;
    private final Timer queueWait;
    private final Counter heldBack;
    private final Counter aborts;
    private final Counter retries;
    private final Counter deniedRetries;
    private final ByConstant<Failure, Counter> failures;
    private final ByConstant<LegKind, ByConstant<Failure, Counter>> legFailures;
    private final ByConstant<ResumeResult, Counter> resumes;
    private final ByConstant<TurnResult, Counter> turns;
    private final ByConstant<LegKind, Timer> legTimes;
    private final ByConstant<ApiKind, Counter> requestBytes;
    private final ByConstant<ApiKind, Counter> responseBytes;
    private final CappedNames<ModelMeters> models;
    private final CappedNames<Timer> decisions;
    private final CappedNames<ByConstant<HandoverResult, Counter>> handovers;
    private final CappedNames<CappedNames<Timer>> stranded;
    private final CappedNames<CappedNames<DistributionSummary>> effective;

    /** Registers all meters of requests, those of models and policies with their first request. */
    public MeterListener(MeterRegistry registry) {
        Meters.IN_FLIGHT.gauge(registry, inFlight::sum);
        itl = Meters.ITL.timer(registry);
        queueWait = Meters.QUEUE_WAIT.timer(registry);
        heldBack = Meters.HELD_BACK.counter(registry);
        aborts = Meters.ABORTS.counter(registry);
        retries = Meters.RETRIES.counter(registry);
        deniedRetries = Meters.RETRIES_DENIED.counter(registry);
        failures = new ByConstant<>(Failure.values(), failure -> Meters.FAILURES.counter(registry, failure.code()));
        legFailures = new ByConstant<>(LegKind.values(), kind -> legFailures(registry, MeterTag.leg(kind)));
        resumes = new ByConstant<>(
                ResumeResult.values(), result -> Meters.RESUMES.counter(registry, MeterTag.value(result)));
        turns = new ByConstant<>(TurnResult.values(), result -> Meters.TURNS.counter(registry, MeterTag.value(result)));
        legTimes = new ByConstant<>(LegKind.values(), kind -> Meters.LEG_TIME.timer(registry, MeterTag.leg(kind)));
        requestBytes = new ByConstant<>(ApiKind.values(), api -> Meters.REQUEST_BYTES.counter(registry, api.tag()));
        responseBytes = new ByConstant<>(ApiKind.values(), api -> Meters.RESPONSE_BYTES.counter(registry, api.tag()));
        models = new CappedNames<>(MAX_NAMES, model -> new ModelMeters(registry, model));
        handovers = new CappedNames<>(
                MAX_NAMES,
                connector -> new ByConstant<>(
                        HandoverResult.values(),
                        result -> Meters.HANDOVERS.counter(registry, connector, MeterTag.result(result))));
        stranded = new CappedNames<>(
                MAX_NAMES,
                connector -> new CappedNames<>(MAX_PAIRS, pair -> Meters.KV_STRANDED.timer(registry, connector, pair)));
        effective = new CappedNames<>(
                MAX_NAMES,
                connector -> new CappedNames<>(
                        MAX_PAIRS, pair -> Meters.HANDOVER_EFFECTIVE_RATIO.shares(registry, connector, pair)));
        decisions = new CappedNames<>(MAX_NAMES, policy -> Meters.DECISION.timer(registry, policy));
    }

    @Override
    public void onAccepted() {
        inFlight.increment();
    }

    @Override
    public void onHeldBack() {
        heldBack.increment();
    }

    @Override
    public void onLegCompleted(LegKind kind, Leg leg, long nanos) {
        legTimes.get(kind).record(nanos, TimeUnit.NANOSECONDS);
    }

    @Override
    public void onLegFailed(LegKind kind, Leg leg, Failure failure) {
        legFailures.get(kind).get(failure).increment();
    }

    @Override
    public void onHandover(String connector, Exchange exchange, HandoverResult result) {
        handovers.get(connector).get(result).increment();
    }

    @Override
    public void onStranded(String connector, Worker prefill, Worker decode, Duration heldFor) {
        stranded.get(connector).get(MeterTag.pair(prefill, decode)).record(heldFor);
    }

    @Override
    public void onProved(String connector, Worker prefill, Worker decode, HandoverProof proof) {
        effective.get(connector).get(MeterTag.pair(prefill, decode)).record(proof.ratio());
    }

    @Override
    public void onRetryDenied() {
        deniedRetries.increment();
    }

    @Override
    public void onResume(ResumeResult result) {
        resumes.get(result).increment();
    }

    @Override
    public void onTurn(TurnResult result) {
        turns.get(result).increment();
    }

    @Override
    public void onGap(long gapNanos) {
        itl.record(gapNanos, TimeUnit.NANOSECONDS);
    }

    /** Takes a request whose end-to-end time is unknown for one that was refused and never accepted. */
    @Override
    public void onSettled(RequestRecord record) {
        RequestRecord.Timings timings = record.timings();
        if (timings.e2e() != RequestRecord.UNKNOWN) {
            inFlight.decrement();
        }
        countOutcome(record.outcome());
        if (record.route().attempts() > 1) {
            retries.increment(record.route().attempts() - 1);
        }
        record(queueWait, timings.queued());
        if (timings.decision() != RequestRecord.UNKNOWN) {
            record(decisions.get(record.route().policy()), timings.decision());
        }
        add(requestBytes.get(record.api()), record.usage().requestBytes());
        add(responseBytes.get(record.api()), record.usage().responseBytes());
        models.get(record.model()).onSettled(record);
    }

    private void countOutcome(Outcome outcome) {
        switch (outcome) {
            case Completed ended -> {}
            case ClientLeft ended -> aborts.increment();
            case Truncated(Failure failure) -> failures.get(failure).increment();
            case Failed(Failure failure) -> failures.get(failure).increment();
        }
    }

    /** Records a duration unless it is unknown. */
    static void record(Timer timer, long nanos) {
        if (nanos != RequestRecord.UNKNOWN) {
            timer.record(nanos, TimeUnit.NANOSECONDS);
        }
    }

    /** Adds a count unless it is unknown. */
    static void add(Counter counter, long count) {
        if (count > 0) {
            counter.increment((double) count);
        }
    }

    /** Returns the position of an outcome in {@link #OUTCOMES}. */
    static int index(Outcome outcome) {
        return switch (outcome) {
            case Completed ended -> 0;
            case Truncated ended -> 1;
            case ClientLeft ended -> 2;
            case Failed ended -> 3;
        };
    }

    private static ByConstant<Failure, Counter> legFailures(MeterRegistry registry, String leg) {
        return new ByConstant<>(
                Failure.values(), failure -> Meters.LEG_FAILURES.counter(registry, failure.code(), leg));
    }
}
