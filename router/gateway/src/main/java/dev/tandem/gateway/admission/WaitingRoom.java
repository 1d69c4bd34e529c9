// SPDX-License-Identifier: Apache-2.0
package dev.tandem.gateway.admission;

import dev.tandem.core.admission.FairQueue;
import dev.tandem.core.failure.Failure;
import dev.tandem.core.failure.FailureException;
import dev.tandem.core.request.Caller;
import dev.tandem.core.routing.RoutingRequest;
import java.time.Duration;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Predicate;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;
import reactor.core.Disposable;
import reactor.core.Disposables;
import reactor.core.publisher.Mono;
import reactor.core.publisher.Sinks;
import reactor.core.scheduler.Scheduler;

/**
 * Lets so many requests run at a time, none that every engine should be spared, and lets a bounded number wait for
 * their turn, without a thread; {@link FairQueue} says whose turn it is, and who makes room when too many wait.
 * Thread-safe.
 */
public final class WaitingRoom {
    private final int seats;
    private final int chairs;
    private final Duration patience;
    private final Supplier<Predicate<RoutingRequest>> gate;
    private final Object lock = new Object(); // guards running, waiting and the state of visits
    private final FairQueue<Visit> waiting = new FairQueue<>();
    private final Scheduler timer;
    private final AtomicInteger calls = new AtomicInteger(); // reasons to call; who raises it from 0 calls
    private int running;

    /**
     * Makes a waiting room.
     *
     * @param seats most requests that run at a time
     * @param chairs most requests that wait
     * @param patience longest wait
     * @param gate says which requests may go now; asked anew when one has gone. Must neither block nor call back.
     * @param timer ends waits that last too long
     */
    public WaitingRoom(
            int seats, int chairs, Duration patience, Supplier<Predicate<RoutingRequest>> gate, Scheduler timer) {
        this.seats = seats;
        this.chairs = chairs;
        this.patience = patience;
        this.gate = gate;
        this.timer = timer;
    }

    /**
     * Takes a place among those that run, or in the queue.
     *
     * @throws FailureException {@code OVERLOADED} when the queue is full of those who have as much right to be there
     */
    public Ticket enter(Caller caller, RoutingRequest request) {
        Visit visit = new Visit(caller, request);
        Visit displaced = null;
        synchronized (lock) {
            boolean free = running < seats;
            boolean open = free && gate.get().test(request);
            // Who waits goes first, as long as there is a chair from which the newcomer can let them.
            if (open && (waiting.size() == 0 || waiting.size() >= chairs)) {
                running++;
                visit.state = State.RUNNING;
                visit.turn.tryEmitEmpty();
                return visit;
            }
            visit.heldBack = free && !open;
            if (waiting.size() >= chairs) {
                displaced = displaced(caller);
            }
            waiting.add(caller, visit);
            visit.clock = timer.schedule(visit::expire, patience.toMillis(), TimeUnit.MILLISECONDS);
        }
        if (displaced != null) {
            displaced.turn.tryEmitError(full());
        }
        call();
        return visit;
    }

    /**
     * Calls whoever may go: to be told when an engine may have got room. One after the other, and on one thread at a
     * time: the gate learns of one before it is asked for the next, and who is called may leave at once.
     */
    public void call() {
        if (calls.getAndIncrement() > 0) {
            return;
        }
        int reasons = 1;
        do {
            for (Visit next = next(); next != null; next = next()) {
                next.clock.dispose();
                next.turn.tryEmitEmpty();
            }
            reasons = calls.addAndGet(-reasons);
        } while (reasons > 0);
    }

    /** Gives a free place to whose turn it is; null when nobody may go. */
    private @Nullable Visit next() {
        synchronized (lock) {
            if (running >= seats || waiting.size() == 0) {
                return null;
            }
            Predicate<RoutingRequest> ready = gate.get();
            Visit next = waiting.poll(visit -> ready.test(visit.request));
            if (next != null) {
                running++;
                next.state = State.RUNNING;
            }
            return next;
        }
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

    private FailureException tooLate(boolean placesAreFree) {
        long seconds = patience.toSeconds();
        return placesAreFree
                ? new FailureException(
                        Failure.OVERLOADED, "all workers that serve the request have been full for " + seconds + " s")
                : new FailureException(Failure.DEADLINE_EXCEEDED, "waited " + seconds + " s for a free place");
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
        private final RoutingRequest request;
        private State state = State.WAITING;
        private Disposable clock = Disposables.disposed();
        private boolean heldBack;

        private Visit(Caller caller, RoutingRequest request) {
            this.caller = caller;
            this.request = request;
        }

        @Override
        public Mono<Void> turn() {
            return turn.asMono();
        }

        @Override
        public boolean heldBack() {
            return heldBack;
        }

        @Override
        public void close() {
            State was;
            synchronized (lock) {
                was = state;
                state = State.GONE;
                clock.dispose();
                if (was == State.WAITING) {
                    waiting.remove(caller, this);
                }
                running -= was == State.RUNNING ? 1 : 0;
            }
            if (was == State.RUNNING) {
                call();
            }
        }

        private void expire() {
            boolean free;
            synchronized (lock) {
                if (state != State.WAITING) {
                    return;
                }
                state = State.GONE;
                waiting.remove(caller, this);
                free = running < seats;
            }
            turn.tryEmitError(tooLate(free));
        }
    }
}
