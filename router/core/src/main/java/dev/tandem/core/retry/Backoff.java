// SPDX-License-Identifier: Apache-2.0
package dev.tandem.core.retry;

import java.time.Duration;
import java.util.function.DoubleSupplier;

/**
 * Pause before a retry: drawn evenly from nothing to a bound that doubles with each attempt ("full jitter"), so that
 * requests that failed together do not come back together. Thread-safe as far as its source of random numbers is.
 */
public final class Backoff {
    private final Duration first;
    private final Duration longest;
    private final DoubleSupplier random;

    /**
     * Makes one.
     *
     * @param first bound of the first pause; zero for no pauses
     * @param longest bound of all pauses
     * @param random numbers in [0, 1)
     */
    public Backoff(Duration first, Duration longest, DoubleSupplier random) {
        this.first = first;
        this.longest = longest;
        this.random = random;
    }

    /** Returns the pause behind that many failed attempts, at least 1. */
    Duration after(int attempts) {
        long bound = Math.min(first.toNanos() << Math.min(attempts - 1, 20), longest.toNanos());
        return Duration.ofNanos((long) (random.getAsDouble() * bound));
    }
}
