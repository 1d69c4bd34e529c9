// SPDX-License-Identifier: Apache-2.0
package dev.tandem.core.fleet;

import dev.tandem.core.failure.Failure;
import dev.tandem.core.health.Breaker;
import dev.tandem.core.time.Ticker;
import java.time.Duration;
import java.util.HashSet;
import java.util.Set;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.DoubleSupplier;
import org.jspecify.annotations.Nullable;

/**
 * Health of one worker, from probes and from requests. Changes under the lock of {@link Fleet}; may be read by anybody.
 *
 * <p>Probes: UNKNOWN until the first one, then UP or DOWN. UP falls after {@code probesDown} bad probes in a row, or
 * one refused connection. DOWN rises after {@code probesUp} good probes in a row, or after one when the worker has
 * never been up.
 *
 * <p>Requests: a {@link Breaker} hides UP as EJECTED when it opens, and as PROBATION when it lets one request pass at a
 * time and the last probe was good: nobody tries a request on a worker that is about to be found down. Who rises again
 * is on probation, too, and whose probation has ended well starts slowly. Good probes do not forgive failed requests,
 * because an engine may answer its health check and nothing more; but an engine that has been down and has come back
 * need not wait.
 *
 * <p>Draining is apart: it hides UP and changes nothing else.
 */
final class WorkerHealth {
    private static final String OK = "ok";

    private final FleetSettings settings;
    private final Ticker ticker;
    private final Set<String> everListed = new HashSet<>();

    private volatile WorkerStatus.State probed = WorkerStatus.State.UNKNOWN;
    private volatile String reason = "not probed yet";
    private volatile boolean draining;

    /** Whether its last probe was good. */
    private volatile boolean answering;

    private volatile Set<String> models = Set.of();
    private volatile EngineFacts facts = EngineFacts.UNKNOWN;

    /** The worker's return, while it starts slowly; null else. */
    private final AtomicReference<@Nullable Return> comeback = new AtomicReference<>();

    private final AtomicInteger starts = new AtomicInteger();
    private int goodProbes;
    private int badProbes;
    private final Breaker breaker;

    WorkerHealth(FleetSettings settings, Ticker ticker, DoubleSupplier random) {
        this.settings = settings;
        this.ticker = ticker;
        this.breaker = new Breaker(settings.breaker(), ticker, random);
    }

    WorkerStatus.State state() {
        WorkerStatus.State now = probed;
        if (now != WorkerStatus.State.UP) {
            return now;
        }
        if (draining) {
            return WorkerStatus.State.DRAINING;
        }
        return switch (breaker.state()) {
            case CLOSED -> WorkerStatus.State.UP;
            case OPEN -> WorkerStatus.State.EJECTED;
            case HALF_OPEN -> answering ? WorkerStatus.State.PROBATION : WorkerStatus.State.EJECTED;
        };
    }

    String reason() {
        return state() == WorkerStatus.State.DRAINING ? "draining" : reason;
    }

    /** Whether it would get requests but for those that it has failed. */
    boolean reachable() {
        return probed == WorkerStatus.State.UP && !draining;
    }

    /** Whether requests that it has failed keep others from it. */
    boolean ejected() {
        return reachable() && breaker.state() != Breaker.State.CLOSED;
    }

    Breaker breaker() {
        return breaker;
    }

    Set<String> models() {
        return models;
    }

    EngineFacts facts() {
        return facts;
    }

    int starts() {
        return starts.get();
    }

    /** Returns the capacity in (0, 1]; reads the clock only while the worker starts slowly. */
    double capacity() {
        Return since = comeback.get();
        if (since == null) {
            return 1;
        }
        double share = (double) (ticker.nanoTime() - since.nanos())
                / settings.slowStart().toNanos();
        if (share >= 1) {
            comeback.compareAndSet(since, null);
            return 1;
        }
        double floor = settings.slowStartFloor();
        return floor + (1 - floor) * Math.max(0, share);
    }

    boolean everListed(String model) {
        return everListed.contains(model);
    }

    boolean hasListed() {
        return !everListed.isEmpty();
    }

    void onProbe(Probe probe) {
        answering = probe instanceof Probe.Healthy;
        switch (probe) {
            case Probe.Healthy good -> onGoodProbe(good);
            case Probe.Unhealthy(String why) -> onBadProbe(why);
        }
    }

    void onFailed(Failure failure) {
        if (!failure.blamesWorker() || probed != WorkerStatus.State.UP) {
            return;
        }
        if (failure == Failure.CONNECT_FAILED) {
            fall("connection refused or timed out");
            return;
        }
        Breaker.State before = breaker.state();
        int inARow = breaker.failuresInARow() + 1;
        breaker.onFailure();
        if (breaker.state() == before) {
            return;
        }
        reason = before == Breaker.State.HALF_OPEN
                ? "the request on probation failed: " + failure.code()
                : inARow >= settings.breaker().failures()
                        ? inARow + " requests failed in a row, last: " + failure.code()
                        : "too many requests failed, last: " + failure.code();
    }

    /** It has owed a sign of life for too long. */
    void onStalled(Duration silence) {
        if (reachable() && breaker.watches()) {
            breaker.open();
            reason = "no byte for " + silence.toSeconds() + " s while requests run";
        }
    }

    /** A request has succeeded, or one on probation has begun to. */
    void onSucceeded() {
        boolean ejected = breaker.state() != Breaker.State.CLOSED;
        breaker.onSuccess();
        if (ejected && breaker.state() == Breaker.State.CLOSED) {
            reason = OK;
            startSlowly();
        }
    }

    void drain(boolean on) {
        draining = on;
    }

    private void onGoodProbe(Probe.Healthy probe) {
        models = probe.models();
        facts = probe.facts();
        everListed.addAll(probe.models());
        badProbes = 0;
        goodProbes++;
        if (probed != WorkerStatus.State.UP && (starts() == 0 || goodProbes >= settings.probesUp())) {
            rise();
        }
    }

    private void onBadProbe(String why) {
        goodProbes = 0;
        badProbes++;
        if (probed == WorkerStatus.State.UP) {
            if (badProbes >= settings.probesDown()) {
                fall(why);
            }
        } else {
            fall(why);
        }
    }

    private void rise() {
        if (starts.getAndIncrement() > 0) {
            breaker.halfOpen();
            reason = "on probation since it came back";
        } else {
            reason = OK;
        }
        probed = WorkerStatus.State.UP;
    }

    private void startSlowly() {
        comeback.set(settings.slowStart().isZero() ? null : new Return(ticker.nanoTime()));
    }

    private void fall(String why) {
        goodProbes = 0;
        reason = why;
        probed = WorkerStatus.State.DOWN;
    }

    /** When a worker came back. Immutable. */
    private record Return(long nanos) {}
}
