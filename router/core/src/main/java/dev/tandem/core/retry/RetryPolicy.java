// SPDX-License-Identifier: Apache-2.0
package dev.tandem.core.retry;

import dev.tandem.core.failure.Failure;
import dev.tandem.core.failure.Failure.Retry;

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
     * <p>A worker that never saw the request, or was full, does not count for much: the next one is asked until the
     * attempts are used up. One that took it and failed is replaced once at most, because the request itself may be
     * what kills workers. A hand-over that failed may be tried with another prefill worker, but the last attempt does
     * without.
     *
     * @param failure how the attempt ended, before any byte reached the client
     * @param attempts attempts made so far, at least 1
     */
    public NextMove after(Failure failure, int attempts) {
        return after(failure, attempts, Math.min(2, maxAttempts));
    }

    /**
     * Returns the next move of a request whose answer another worker is to go on with: it has been served by one, and
     * does not kill workers.
     *
     * @param failure how the attempt ended, before any byte of the rest reached the client
     * @param attempts attempts made so far to go on, at least 1
     */
    public NextMove afterResumed(Failure failure, int attempts) {
        return after(failure, attempts, maxAttempts);
    }

    private NextMove after(Failure failure, int attempts, int mostTaken) {
        int most = switch (failure.retry()) {
            case NEVER -> 1;
            case BEFORE_FIRST_BYTE -> failure == Failure.ENGINE_BUSY ? maxAttempts : mostTaken;
            case ALWAYS, WITHOUT_HANDOVER -> maxAttempts;
        };
        if (attempts >= most) {
            return new NextMove.GiveUp(failure);
        }
        return failure.retry() == Retry.WITHOUT_HANDOVER && (attempts + 1 == most || transferred(failure))
                ? new NextMove.ServeWhole()
                : new NextMove.RouteAgain();
    }

    /** Whether prefill had done its part: doing it again elsewhere would cost more than computing the prompt once. */
    private static boolean transferred(Failure failure) {
        return failure == Failure.KV_TRANSFER_FAILED;
    }
}
