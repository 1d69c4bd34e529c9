// SPDX-License-Identifier: Apache-2.0
package dev.tandem.core.health;

/**
 * What an engine says of its load. Immutable.
 *
 * @param running requests that it computes now, at least 0
 * @param waiting requests that it has no room for yet, at least 0
 * @param kvUsage share of its KV cache that requests hold, in 0–1; 0 when it does not say
 */
public record EngineLoad(int running, int waiting, double kvUsage) {
    /** Checks the ranges. */
    public EngineLoad {
        if (running < 0 || waiting < 0) {
            throw new IllegalArgumentException("running, waiting: " + running + ", " + waiting + " (expected: >= 0)");
        }
        if (!(kvUsage >= 0 && kvUsage <= 1)) {
            throw new IllegalArgumentException("kvUsage: " + kvUsage + " (expected: 0 to 1)");
        }
    }
}
