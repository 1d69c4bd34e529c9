// SPDX-License-Identifier: Apache-2.0
package dev.tandem.core.health;

import java.time.Duration;

/**
 * When a breaker opens, and for how long. Immutable.
 *
 * @param failures failures in a row that open it, at least 1
 * @param share share of failures within 30 s that opens it, in (0, 1]
 * @param shareFrom fewest outcomes within 30 s of which a share is taken, at least 1
 * @param open how long it stays open the first time; it doubles with each further one
 * @param longestOpen longest time that it stays open, at least {@code open}
 */
public record BreakerSettings(int failures, double share, int shareFrom, Duration open, Duration longestOpen) {
    /** Checks the ranges. */
    public BreakerSettings {
        if (failures < 1) {
            throw new IllegalArgumentException("failures: " + failures + " (expected: >= 1)");
        }
        if (!(share > 0 && share <= 1)) {
            throw new IllegalArgumentException("share: " + share + " (expected: in (0, 1])");
        }
        if (shareFrom < 1) {
            throw new IllegalArgumentException("shareFrom: " + shareFrom + " (expected: >= 1)");
        }
        if (open.isNegative() || longestOpen.compareTo(open) < 0) {
            throw new IllegalArgumentException(
                    "open: " + open + ", longestOpen: " + longestOpen + " (expected: 0 <= open <= longestOpen)");
        }
    }

    /** Returns 5 in a row, half of 20, 5 s that double up to a minute. */
    public static BreakerSettings defaults() {
        return new BreakerSettings(5, 0.5, 20, Duration.ofSeconds(5), Duration.ofMinutes(1));
    }
}
