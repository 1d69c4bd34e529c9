// SPDX-License-Identifier: Apache-2.0
package dev.tandem.gateway.fleet;

import java.time.Duration;

/**
 * How workers are probed. Immutable.
 *
 * @param interval from the start of one round to the start of the next; each probe starts up to a fifth of it later
 * @param timeout longest wait for each of the two answers of a probe
 */
public record ProbeSettings(Duration interval, Duration timeout) {
    /** Checks the durations. */
    public ProbeSettings {
        if (interval.isNegative() || interval.isZero()) {
            throw new IllegalArgumentException("probe interval: " + interval + " (expected: > 0)");
        }
        if (timeout.isNegative() || timeout.isZero()) {
            throw new IllegalArgumentException("probe timeout: " + timeout + " (expected: > 0)");
        }
    }

    /** Returns a round every 2 s and 1 s for an answer. */
    public static ProbeSettings defaults() {
        return new ProbeSettings(Duration.ofSeconds(2), Duration.ofSeconds(1));
    }
}
