// SPDX-License-Identifier: Apache-2.0
package dev.tandem.core.health;

import java.time.Duration;

/**
 * When an engine counts as saturated. Immutable.
 *
 * @param queue requests that wait in it, at least 1; engines that run many get a longer queue ({@link Saturation})
 * @param kvUsage share of its KV cache that is in use, in (0, 1]
 * @param maxAge how long what it has said of itself counts
 */
public record SaturationSettings(int queue, double kvUsage, Duration maxAge) {
    /** Checks the ranges. */
    public SaturationSettings {
        if (queue < 1) {
            throw new IllegalArgumentException("queue: " + queue + " (expected: >= 1)");
        }
        if (!(kvUsage > 0 && kvUsage <= 1)) {
            throw new IllegalArgumentException("kvUsage: " + kvUsage + " (expected: in (0, 1])");
        }
    }

    /** Returns 5 requests, 0.95 and 2 s. */
    public static SaturationSettings defaults() {
        return new SaturationSettings(5, 0.95, Duration.ofSeconds(2));
    }
}
