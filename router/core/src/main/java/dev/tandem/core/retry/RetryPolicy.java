// SPDX-License-Identifier: Apache-2.0
package dev.tandem.core.retry;

import dev.tandem.core.failure.Failure;

/**
 * Decides whether a failed attempt is followed by another. Immutable.
 *
 * @param maxAttempts most attempts per request, the first one included; at least 1
 */
public record RetryPolicy(int maxAttempts) {
    /** Checks the limit. */
    public RetryPolicy {
        if (maxAttempts < 1) {
            throw new IllegalArgumentException("maxAttempts: " + maxAttempts + " (expected: >= 1)");
        }
    }

    /**
     * Returns the next move.
     *
     * @param failure how the attempt ended, before any byte reached the client
     * @param attempts attempts made so far, at least 1
     */
    public NextMove after(Failure failure, int attempts) {
        boolean retryable = switch (failure.retry()) {
            case NEVER -> false;
            case BEFORE_FIRST_BYTE, ALWAYS -> true;
        };
        return retryable && attempts < maxAttempts ? new NextMove.RouteAgain() : new NextMove.GiveUp(failure);
    }
}
