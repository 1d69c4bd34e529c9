// SPDX-License-Identifier: Apache-2.0
package dev.tandem.gateway.admission;

import dev.tandem.core.admission.FairQueue;
import dev.tandem.core.failure.Failure;
import dev.tandem.core.failure.FailureException;
import dev.tandem.core.request.Caller;
import java.time.Duration;
import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.jspecify.annotations.Nullable;
import reactor.core.Disposable;
import reactor.core.Disposables;
import reactor.core.publisher.Mono;
import reactor.core.publisher.Sinks;
import reactor.core.scheduler.Scheduler;

/**
 * Lets so many requests run at a time and lets a bounded number wait for their turn, without a thread;
 * {@link FairQueue} says whose turn it is, and who makes room when too many wait. Thread-safe.
 */
public final class WaitingRoom {
    private final int seats;
    private final int chairs;
    private final Duration patience;
    private final Object lock = new Object(); // guards running, waiting and the state of visits
    private final FairQueue<Visit> waiting = new FairQueue<>();
    private final Scheduler timer;
    private final Queue<Visit> called = new ConcurrentLinkedQueue<>();
    private final AtomicInteger calls = new AtomicInteger(); // signals that are due; who raises it from 0 makes them
    private int running;

    /**
     * Makes a waiting room.
     *
     * @param seats most requests that run at a time
     * @param chairs most requests that wait
     * @param patience longest wait
     * @param timer ends waits that last too long
     */
    public WaitingRoom(int seats, int chairs, Duration patience, Scheduler timer) {
        this.seats = seats;
        this.chairs = chairs;
        this.patience = patience;
        this.timer = timer;
    }

    /**
     * Takes a place among those that run, or in the queue.
     *
     * @throws FailureException {@code OVERLOADED} when the queue is full of those who have as much right to be there
     */
    public Ticket enter(Caller caller) {
        Visit visit = new Visit(caller);
        Visit displaced = null;
        synchronized (lock) {
            if (running < seats) {
                running++;
                visit.state = State.RUNNING;
                visit.turn.tryEmitEmpty();
                return visit;
            }
            if (waiting.size() >= chairs) {
                displaced = displaced(caller);
            }
            waiting.add(caller, visit);
            visit.clock = timer.schedule(visit::expire, patience.toMillis(), TimeUnit.MILLISECONDS);
        }
        if (displaced != null) {
            displaced.turn.tryEmitError(full());
        }
        return visit;
    }

    /** Removes who makes room for a newcomer. Called with the lock. */
    private Visit displaced(Caller newcomer) {
        Visit displaced = waiting.displace(newcomer);
        if (displaced == null) {
            throw full();
        }
        displaced.state = State.GONE;
        displaced.clock.dispose();
        return displaced;
    }

    private static FailureException full() {
        return new FailureException(Failure.OVERLOADED, "too many requests are waiting");
    }

    /** Returns the number of requests that wait. */
    public int queued() {
        synchronized (lock) {
            return waiting.size();
        }
    }

    /** Returns the number of requests that run. */
    public int running() {
        synchronized (lock) {
            return running;
        }
    }

    /** Hands a free place to whose turn it is. Called with the lock. */
    private @Nullable Visit passOn() {
        Visit next = waiting.poll();
        if (next == null) {
            running--;
            return null;
        }
        next.state = State.RUNNING;
        return next;
    }

    /** Signals a turn; one after the other, since who is called may leave at once and so call the next. */
    private void call(Visit next) {
        called.add(next);
        if (calls.getAndIncrement() > 0) {
            return;
        }
        do {
            called.remove().turn.tryEmitEmpty();
        } while (calls.decrementAndGet() > 0);
    }

    private enum State {
        WAITING,
        RUNNING,
        GONE
    }

    /** One request's stay. Its turn is signalled outside the lock, and once: who changes its state signals. */
    private final class Visit implements Ticket {
        private final Sinks.Empty<Void> turn = Sinks.empty();
        private final Caller caller;
        private State state = State.WAITING;
        private Disposable clock = Disposables.disposed();

        private Visit(Caller caller) {
            this.caller = caller;
        }

        @Override
        public Mono<Void> turn() {
            return turn.asMono();
        }

        @Override
        public void close() {
            Visit next;
            synchronized (lock) {
                State was = state;
                state = State.GONE;
                clock.dispose();
                if (was == State.WAITING) {
                    waiting.remove(caller, this);
                }
                next = was == State.RUNNING ? passOn() : null;
            }
            if (next != null) {
                next.clock.dispose();
                call(next);
            }
        }

        private void expire() {
            synchronized (lock) {
                if (state != State.WAITING) {
                    return;
                }
                state = State.GONE;
                waiting.remove(caller, this);
            }
            turn.tryEmitError(new FailureException(
                    Failure.DEADLINE_EXCEEDED, "waited " + patience.toSeconds() + " s for a free place"));
        }
    }
}
