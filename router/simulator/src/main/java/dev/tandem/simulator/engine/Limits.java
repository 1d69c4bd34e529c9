// SPDX-License-Identifier: Apache-2.0
package dev.tandem.simulator.engine;

import java.util.Set;

/**
 * When a sequence ends. Immutable.
 *
 * @param maxTokens Most tokens to generate; at least 1.
 * @param minTokens Tokens before which the model does not end its answer.
 * @param ignoreEnd The model never ends its answer by itself.
 * @param stopTokens Tokens that end the answer.
 */
public record Limits(int maxTokens, int minTokens, boolean ignoreEnd, Set<Integer> stopTokens) {
    /** Copies the set. */
    public Limits {
        stopTokens = Set.copyOf(stopTokens);
    }

    /** Returns limits that only count tokens. */
    public static Limits of(int maxTokens) {
        return new Limits(maxTokens, 0, false, Set.of());
    }
}
