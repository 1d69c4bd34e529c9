// SPDX-License-Identifier: Apache-2.0
package dev.tandem.core.fleet;

import dev.tandem.core.health.ConcurrencyLimit;
import dev.tandem.core.health.ForwardProgress;
import dev.tandem.core.health.Saturation;
import dev.tandem.core.health.SaturationSettings;
import dev.tandem.core.time.Ticker;
import java.time.Duration;
import java.util.BitSet;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.DoubleSupplier;

/** Load and health of one worker. Load is thread-safe; health changes only under the lock of {@link Fleet}. */
final class WorkerState {
    private final Worker worker;
    private final WorkerHealth health;
    private final ConcurrencyLimit limit;
    private final ForwardProgress progress;
    private final Saturation saturation;
    private final FleetSettings settings;
    private final Runnable relief;
    private final AtomicInteger inFlight = new AtomicInteger();
    private final AtomicInteger computing = new AtomicInteger();
    private final AtomicLong pendingTokens = new AtomicLong();

    private WorkerStatus.State lastNoticed = WorkerStatus.State.UNKNOWN;

    /** Guarded by itself: the numbers of the open leases. */
    private final BitSet seats = new BitSet();

    /** Whether so many of its like are ejected that all of them get requests. */
    private volatile boolean panic;

    /**
     * Makes the state of a worker that is unknown and idle.
     *
     * @param relief told when a request has left, if the engine says how loaded it is or has refused requests
     */
    WorkerState(Worker worker, FleetSettings settings, Ticker ticker, DoubleSupplier random, Runnable relief) {
        this.worker = worker;
        this.health = new WorkerHealth(settings, ticker, random);
        this.limit = new ConcurrencyLimit(ticker);
        this.progress = new ForwardProgress(ticker);
        this.saturation = new Saturation(ticker);
        this.settings = settings;
        this.relief = relief;
    }

    Worker worker() {
        return worker;
    }

    WorkerHealth health() {
        return health;
    }

    int inFlight() {
        return inFlight.get();
    }

    long pendingTokens() {
        return pendingTokens.get();
    }

    double capacity() {
        return health.capacity();
    }

    ForwardProgress progress() {
        return progress;
    }

    /** The worker was probed. One that is well and owes a sign of life for too long does not bring requests forward. */
    void onProbe(Probe probe) {
        health.onProbe(probe);
        if (stalled()) {
            health.onStalled(progress.silence());
        }
    }

    private boolean stalled() {
        Duration allowed =
                settings.stall().plus(settings.stallPerToken().multipliedBy(Math.max(0, pendingTokens.get())));
        return settings.stall().isPositive() && progress.silence().compareTo(allowed) > 0;
    }

    /** Whether it does nothing for the requests that it has, and gets no others. */
    boolean hopeless() {
        boolean out = health.state() == WorkerStatus.State.EJECTED || health.state() == WorkerStatus.State.DOWN;
        return out && !panic && stalled();
    }

    /** Whether it could serve in the place of another one. */
    boolean replaces(WorkerState other) {
        return health.state() == WorkerStatus.State.UP
                && worker.role() == other.worker.role()
                && health.models().containsAll(other.health.models());
    }

    ConcurrencyLimit limit() {
        return limit;
    }

    /** The engine is about to be asked for its load. */
    Saturation.Question ask() {
        return saturation.ask(sent());
    }

    boolean saturated(SaturationSettings limits) {
        return saturation.now(sent(), limits);
    }

    /**
     * Returns the requests that its engine computes or will; who only holds a KV cache for others needs nothing more.
     */
    private int sent() {
        return worker.role() == Role.PREFILL ? computing.get() : inFlight();
    }

    /** Whether it has as many requests as its engine takes, which has said no time at which to ask again. */
    boolean full() {
        int most = limit.now();
        return most > 0 && inFlight() >= most;
    }

    /** It went down: another engine may come in its place. */
    void another() {
        limit.clear();
        saturation.clear();
    }

    boolean eligible() {
        return trusted() && inFlight() < limit.now();
    }

    private boolean trusted() {
        return switch (health.state()) {
            case UP -> true;
            case PROBATION -> panic || health.breaker().admits();
            case EJECTED -> panic;
            case UNKNOWN, DOWN, DRAINING -> false;
        };
    }

    /** Whether it gets one request at a time. */
    boolean onProbation() {
        return !panic && health.state() == WorkerStatus.State.PROBATION;
    }

    /**
     * Tells workers that stand in for each other whether too many of them are ejected.
     *
     * @return whether that changes anything for one of them
     */
    static boolean panicked(List<WorkerState> pool) {
        long ejected = pool.stream().filter(state -> state.health.ejected()).count();
        boolean panic = 2 * ejected > pool.size();
        pool.forEach(state -> state.panic = panic);
        return panic && pool.stream().anyMatch(state -> state.health.state() == WorkerStatus.State.EJECTED);
    }

    /** Returns whether the state is another one than when this was asked last; asked under the lock of the fleet. */
    boolean noticed() {
        WorkerStatus.State now = health.state();
        boolean other = now != lastNoticed;
        lastNoticed = now;
        return other;
    }

    /** Counts a request in and returns its seat. */
    Seat take(long promptTokens) {
        inFlight.incrementAndGet();
        computing.incrementAndGet();
        pendingTokens.addAndGet(promptTokens);
        synchronized (seats) {
            int number = seats.nextClearBit(0);
            seats.set(number);
            return new Seat(worker, number, health.facts());
        }
    }

    void settlePending(long promptTokens) {
        computing.decrementAndGet();
        pendingTokens.addAndGet(-promptTokens);
    }

    /** A request needs it less than before, or not any more. */
    void relieved() {
        if (saturation.sampled() || limit.everRefused()) {
            relief.run();
        }
    }

    void leave(Seat seat) {
        inFlight.decrementAndGet();
        synchronized (seats) {
            seats.clear(seat.number());
        }
    }

    WorkerStatus status() {
        return new WorkerStatus(
                worker,
                health.state(),
                health.reason(),
                health.models(),
                health.facts(),
                inFlight(),
                limit.now(),
                Math.max(0, pendingTokens()),
                health.starts());
    }
}
