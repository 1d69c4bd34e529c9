// SPDX-License-Identifier: Apache-2.0
package dev.tandem.core.fleet;

import dev.tandem.core.health.Breaker;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import org.jspecify.annotations.Nullable;

/**
 * A unit of load on one worker, from the choice of the worker until its last token has come, or its last byte has left
 * where nobody tells the two apart. Thread-safe; whatever is called twice counts once.
 */
public final class Lease implements AutoCloseable {
    private final WorkerState state;
    private final AtomicInteger openLeases;
    private final Seat seat;
    private final long promptTokens;
    private final Breaker.@Nullable Probation ofWorker;
    private final Breaker.@Nullable Probation ofPair;
    private final boolean surplus;
    private final AtomicBoolean pending = new AtomicBoolean(true);
    private final AtomicBoolean seated = new AtomicBoolean(true);
    private final AtomicBoolean open = new AtomicBoolean(true);

    Lease(WorkerState state, long promptTokens, Breaker.@Nullable Probation ofPair, AtomicInteger openLeases) {
        this.state = state;
        this.openLeases = openLeases;
        this.promptTokens = promptTokens;
        this.ofPair = ofPair;
        this.ofWorker = state.health().breaker().begins();
        this.surplus = ofWorker == null && state.onProbation();
        if (ofWorker != null) {
            state.progress().restart();
        }
        this.seat = state.take(promptTokens);
        openLeases.incrementAndGet();
    }

    /** Returns the worker and the number of this lease on it. */
    public Seat seat() {
        return seat;
    }

    /**
     * Whether its worker is on probation with another request: two decisions at one moment may choose it. The request
     * had better go elsewhere.
     */
    public boolean surplus() {
        return surplus;
    }

    /** The first output token was seen: the prompt is computed and no longer pending. */
    public void onFirstToken() {
        if (settled()) {
            state.relieved();
        }
    }

    private boolean settled() {
        boolean was = pending.compareAndSet(true, false);
        if (was) {
            state.settlePending(promptTokens);
        }
        return was;
    }

    /** The last output token was seen: the worker has nothing more to do, and its seat is free. */
    public void onLastToken() {
        settled();
        if (leaves()) {
            state.relieved();
        }
    }

    private boolean leaves() {
        boolean was = seated.compareAndSet(true, false);
        if (was) {
            state.leave(seat);
        }
        return was;
    }

    /** Returns the seat and whatever load is still counted. */
    @Override
    public void close() {
        settled();
        leaves();
        if (open.compareAndSet(true, false)) {
            openLeases.decrementAndGet();
            end(ofWorker);
            end(ofPair);
            state.relieved();
        }
    }

    private static void end(Breaker.@Nullable Probation probation) {
        if (probation != null) {
            probation.end();
        }
    }
}
