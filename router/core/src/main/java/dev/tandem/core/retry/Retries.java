// SPDX-License-Identifier: Apache-2.0
package dev.tandem.core.retry;

import dev.tandem.core.failure.Failure;
import java.time.Duration;

/**
 * Decides what follows a failed attempt: what {@link RetryPolicy} allows, the budget pays for. Thread-safe.
 *
 * <p>Streams that go on elsewhere are paid for, too, when their worker goes on losing streams; those that were lost at
 * one stroke, by the death of their worker, are not, however many they are ({@link LostStreams}). So the death of a
 * worker costs no stream, and when all workers fail in the midst of their streams, the load on them grows by the
 * budget's share and no more.
 */
public final class Retries {
    private final RetryPolicy policy;
    private final RetryBudget budget;
    private final LostStreams lost;
    private final Backoff backoff;

    /** Puts the parts together. */
    public Retries(RetryPolicy policy, RetryBudget budget, LostStreams lost, Backoff backoff) {
        this.policy = policy;
        this.budget = budget;
        this.lost = lost;
        this.backoff = backoff;
    }

    /** A request has come. */
    public void onRequest() {
        budget.onRequest();
    }

    /**
     * Returns the next move.
     *
     * @param failure how the attempt ended, before any byte reached the client
     * @param attempts attempts made so far, at least 1
     */
    public NextMove after(Failure failure, int attempts) {
        return paid(policy.after(failure, attempts), failure);
    }

    /** As {@link #after}, for a request whose answer another worker is to go on with. */
    public NextMove afterResumed(Failure failure, int attempts) {
        return paid(policy.afterResumed(failure, attempts), failure);
    }

    /**
     * A stream has broken off; returns whether another worker may be asked to go on with it.
     *
     * @param worker who has lost it
     * @param beganNanos when that worker was asked for it
     */
    public boolean mayResume(String worker, long beganNanos) {
        return lost.atOneStroke(worker, beganNanos) || budget.take();
    }

    /** Returns how long to wait before the next attempt: not at all where the worker has not seen the request. */
    public Duration pause(Failure failure, int attempts) {
        return free(failure) ? Duration.ZERO : backoff.after(attempts);
    }

    private NextMove paid(NextMove next, Failure failure) {
        return next instanceof NextMove.GiveUp || free(failure) || budget.take() ? next : new NextMove.Denied(failure);
    }

    private static boolean free(Failure failure) {
        return failure.retry() == Failure.Retry.ALWAYS;
    }
}
