// SPDX-License-Identifier: Apache-2.0
package dev.tandem.core.fleet;

import dev.tandem.core.time.Ticker;
import java.util.BitSet;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;

/** Load and health of one worker. Load is thread-safe; health changes only under the lock of {@link Fleet}. */
final class WorkerState {
    private final Worker worker;
    private final WorkerHealth health;
    private final AtomicInteger inFlight = new AtomicInteger();
    private final AtomicLong pendingTokens = new AtomicLong();

    /** Guarded by itself: the numbers of the open leases. */
    private final BitSet seats = new BitSet();

    WorkerState(Worker worker, FleetSettings settings, Ticker ticker) {
        this.worker = worker;
        this.health = new WorkerHealth(settings, ticker);
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

    boolean eligible() {
        return health.state() == WorkerStatus.State.UP;
    }

    /** Counts a request in and returns its seat. */
    Seat take(long promptTokens) {
        inFlight.incrementAndGet();
        pendingTokens.addAndGet(promptTokens);
        synchronized (seats) {
            int number = seats.nextClearBit(0);
            seats.set(number);
            return new Seat(worker, number, health.facts());
        }
    }

    void settlePending(long promptTokens) {
        pendingTokens.addAndGet(-promptTokens);
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
                Math.max(0, pendingTokens()),
                health.starts());
    }
}
