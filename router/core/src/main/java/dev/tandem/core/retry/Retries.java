// SPDX-License-Identifier: Apache-2.0
package dev.tandem.core.retry;

import dev.tandem.core.failure.Failure;
import java.time.Duration;

/** Decides what follows a failed attempt: what {@link RetryPolicy} allows, the budget pays for. Thread-safe. */
public final class Retries {
    private final RetryPolicy policy;
    private final RetryBudget budget;
    private final Backoff backoff;

    /** Puts the parts together. */
    public Retries(RetryPolicy policy, RetryBudget budget, Backoff backoff) {
        this.policy = policy;
        this.budget = budget;
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

    /** Returns how long to wait before it: not at all where the worker has not seen the request. */
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
