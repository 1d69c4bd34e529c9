// SPDX-License-Identifier: Apache-2.0
package dev.tandem.gateway.trial;

import dev.tandem.core.disagg.ConnectorChoice;
import dev.tandem.core.failure.FailureException;
import dev.tandem.core.fleet.Fleet;
import dev.tandem.core.fleet.WorkerPair;
import dev.tandem.core.lifecycle.TrialListener;
import dev.tandem.core.lifecycle.TrialListener.Finding;
import dev.tandem.core.time.Ticker;
import dev.tandem.gateway.body.BodyScanner;
import java.time.Duration;
import java.util.concurrent.TimeoutException;
import java.util.function.Supplier;
import java.util.random.RandomGenerator;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import reactor.core.Disposable;
import reactor.core.Disposables;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;

/**
 * Tries every pair of workers, beside the requests of clients: when both have come up, when an engine has become
 * another, and from time to time. Thread-safe.
 *
 * <p>The first trial warms a pair: engines shake hands once, which costs NIXL seconds. Each trial compares what the
 * pair generates with what an engine alone does, or two other pairs do, greedily; a pair that answers something else is
 * put in quarantine, and the next trial that finds it equal lets it out. A trial that fails proves nothing and changes
 * nothing. Trials hold leases and count in no meter of requests.
 */
public final class PairTrials implements AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(PairTrials.class);
    private static final Duration BEAT = Duration.ofMillis(500);

    private final TrialSettings settings;
    private final Fleet fleet;
    private final Candidates candidates;
    private final Trial trial;
    private final Timetable timetable;
    private final TrialListener listener;
    private final Supplier<? extends RandomGenerator> random;
    private final Disposable.Swap rounds = Disposables.swap();

    /**
     * Makes trials that do nothing before {@link #start}.
     *
     * @param settings how often, and how
     * @param fleet whose pairs are tried
     * @param connectors which protocol a pair speaks
     * @param legs what runs the legs
     * @param listener learns what was found
     * @param surroundings where prompts, time and chance come from
     */
    public PairTrials(
            TrialSettings settings,
            Fleet fleet,
            ConnectorChoice connectors,
            TrialLegs legs,
            TrialListener listener,
            Surroundings surroundings) {
        this.settings = settings;
        this.fleet = fleet;
        this.candidates = new Candidates(fleet, connectors);
        this.trial = new Trial(fleet, connectors, candidates, surroundings.scanner(), legs);
        this.random = surroundings.random();
        this.timetable = new Timetable(settings, surroundings.ticker(), random);
        this.listener = listener;
    }

    /** Begins; a second call begins anew. */
    public void start() {
        rounds.update(Flux.interval(BEAT, BEAT)
                .onBackpressureDrop()
                .flatMap(beat -> round(), Integer.MAX_VALUE)
                .subscribe());
    }

    /** Ends all trials. */
    @Override
    public void close() {
        rounds.dispose();
    }

    private Flux<Finding> round() {
        return Flux.defer(() -> Flux.fromIterable(timetable.due(candidates.pairs())))
                .flatMap(this::tried, Integer.MAX_VALUE)
                .onErrorResume(error -> {
                    LOG.error("trials failed", error);
                    return Mono.empty();
                });
    }

    private Mono<Finding> tried(TrialPair pair) {
        return trial.run(pair, new TrialPrompt(random.get().nextLong(), settings.promptWords()))
                .timeout(settings.timeout())
                .map(texts -> new Result(texts.finding(), texts, ""))
                .onErrorResume(thrown -> Mono.just(new Result(Finding.FAILED, null, reason(pair, thrown))))
                .map(result -> ended(pair, result))
                .doOnCancel(() -> timetable.ended(pair, Finding.FAILED));
    }

    private Finding ended(TrialPair pair, Result result) {
        Finding finding = result.finding();
        switch (finding) {
            case EQUAL -> fleet.quarantine(pair.key(), false);
            case DIFFERENT -> fleet.quarantine(pair.key(), true);
            case UNDECIDED, WARMED, FAILED -> {
                // nothing is proved
            }
        }
        Finding before = timetable.ended(pair, finding);
        if (finding != before) {
            log(pair, result, before);
        }
        listener.onTrial(pair.connector().name(), pair.key(), finding);
        return finding;
    }

    private static void log(TrialPair pair, Result result, @Nullable Finding before) {
        WorkerPair key = pair.key();
        String connector = pair.connector().name();
        switch (result.finding()) {
            case EQUAL, WARMED ->
                LOG.info(
                        "pair tried prefill={} decode={} connector={} finding={} before={}",
                        key.prefill(),
                        key.decode(),
                        connector,
                        result.finding(),
                        before);
            case DIFFERENT ->
                logDifference("pair is in quarantine, it answers something else than others", key, connector, result);
            case UNDECIDED ->
                logDifference("pairs answer different things, and no third decides", key, connector, result);
            case FAILED ->
                LOG.warn(
                        "pair could not be tried prefill={} decode={} connector={} reason=\"{}\"",
                        key.prefill(),
                        key.decode(),
                        connector,
                        result.reason());
        }
    }

    /** Shows text of the gateway's own prompt, never of a client. */
    private static void logDifference(String what, WorkerPair key, String connector, Result result) {
        Trial.Texts texts = result.texts();
        TrialText reference = texts == null ? null : texts.reference();
        if (texts == null || reference == null) {
            return;
        }
        int at = texts.handedOver().firstDifference(reference);
        LOG.warn(
                "{} prefill={} decode={} connector={} character={} handed-over=\"{}\" other=\"{}\"",
                what,
                key.prefill(),
                key.decode(),
                connector,
                at,
                texts.handedOver().from(at),
                reference.from(at));
    }

    private String reason(TrialPair pair, Throwable thrown) {
        return switch (thrown) {
            case FailureException failure -> failure.detail();
            case TimeoutException late -> "no answer in " + settings.timeout();
            default -> {
                LOG.error("trial failed pair={}", pair.key(), thrown);
                yield "internal error";
            }
        };
    }

    /** How a trial ended. */
    private record Result(Finding finding, Trial.@Nullable Texts texts, String reason) {}

    /**
     * Where prompts, time and chance come from.
     *
     * @param scanner reads the bodies that are sent
     * @param ticker time
     * @param random asked on the thread that uses it
     */
    public record Surroundings(BodyScanner scanner, Ticker ticker, Supplier<? extends RandomGenerator> random) {}
}
