// SPDX-License-Identifier: Apache-2.0
package dev.tandem.gateway.trial;

import java.time.Duration;

/**
 * How pairs are tried. Immutable.
 *
 * @param interval time between two trials of a pair, give or take a fifth
 * @param promptWords words of the prompt, at least 16
 * @param timeout longest time for a trial
 * @param maxRunning most trials at a time, at least 1
 */
public record TrialSettings(Duration interval, int promptWords, Duration timeout, int maxRunning) {
    /** Checks the ranges. */
    public TrialSettings {
        if (interval.isNegative() || interval.isZero()) {
            throw new IllegalArgumentException("trial interval: " + interval + " (expected: > 0)");
        }
        if (timeout.isNegative() || timeout.isZero()) {
            throw new IllegalArgumentException("trial timeout: " + timeout + " (expected: > 0)");
        }
        if (promptWords < 16) {
            throw new IllegalArgumentException("promptWords: " + promptWords + " (expected: >= 16)");
        }
        if (maxRunning < 1) {
            throw new IllegalArgumentException("maxRunning: " + maxRunning + " (expected: >= 1)");
        }
    }
}
