// SPDX-License-Identifier: Apache-2.0
package dev.tandem.gateway.admission;

import dev.tandem.core.failure.Failure;
import dev.tandem.core.failure.FailureException;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import org.jspecify.annotations.Nullable;
import reactor.core.Disposable;
import reactor.core.publisher.Mono;
import reactor.core.publisher.MonoSink;
import reactor.core.scheduler.Scheduler;

/**
 * Lets so many requests run at a time and lets a bounded number wait for their turn, first come, first served, without
 * a thread. Thread-safe.
 */
public final class WaitingRoom {
    private final int seats;
    private final int chairs;
    private final Duration patience;
    private final Object lock = new Object(); // guards running, waiting
    private final Deque<MonoSink<Ticket>> waiting = new ArrayDeque<>();
    private final Scheduler timer;
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

    /** Returns a ticket at once or when its turn has come; or {@code OVERLOADED}, or {@code DEADLINE_EXCEEDED}. */
    public Mono<Ticket> enter() {
        synchronized (lock) {
            if (running < seats) {
                running++;
                return Mono.just(newTicket());
            }
            if (waiting.size() >= chairs) {
                return Mono.error(new FailureException(Failure.OVERLOADED, "too many requests are waiting"));
            }
        }
        return Mono.<Ticket>create(this::await).doOnDiscard(Ticket.class, Ticket::close);
    }

    /** Returns the number of requests that wait. */
    public int queued() {
        synchronized (lock) {
            return waiting.size();
        }
    }

    /** Returns the number of tickets that are out. */
    public int running() {
        synchronized (lock) {
            return running;
        }
    }

    private void await(MonoSink<Ticket> sink) {
        Disposable clock = timer.schedule(() -> expire(sink), patience.toMillis(), TimeUnit.MILLISECONDS);
        sink.onDispose(() -> {
            clock.dispose();
            leave(sink);
        });
        synchronized (lock) {
            if (running >= seats) {
                waiting.addLast(sink);
                return;
            }
            running++;
        }
        sink.success(newTicket());
    }

    /** Ends the wait unless the turn has just come. */
    private void expire(MonoSink<Ticket> sink) {
        if (leave(sink)) {
            sink.error(new FailureException(
                    Failure.DEADLINE_EXCEEDED, "waited " + patience.toSeconds() + " s for a free place"));
        }
    }

    private boolean leave(MonoSink<Ticket> sink) {
        synchronized (lock) {
            return waiting.remove(sink);
        }
    }

    private Ticket newTicket() {
        AtomicBoolean open = new AtomicBoolean(true);
        return () -> {
            if (open.compareAndSet(true, false)) {
                passOn();
            }
        };
    }

    /** Hands the free place to who has waited longest. */
    private void passOn() {
        MonoSink<Ticket> next = nextOrFree();
        if (next != null) {
            next.success(newTicket());
        }
    }

    private @Nullable MonoSink<Ticket> nextOrFree() {
        synchronized (lock) {
            MonoSink<Ticket> next = waiting.pollFirst();
            if (next == null) {
                running--;
            }
            return next;
        }
    }
}
