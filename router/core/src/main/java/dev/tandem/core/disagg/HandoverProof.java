// SPDX-License-Identifier: Apache-2.0
package dev.tandem.core.disagg;

import java.util.Optional;

/**
 * What a decode worker found of a prompt that was handed over to it. Immutable.
 *
 * <p>A hand-over can fail without a word: the engine computes what it does not find, and only its counts tell. The end
 * of a prompt is left out, because it is computed anyway where it does not fill a block or a chunk.
 *
 * @param owed tokens that it must have found, above 0
 * @param found tokens of those that it did find, 0 to {@code owed}
 */
public record HandoverProof(int owed, int found) {
    /** Checks the ranges. */
    public HandoverProof {
        if (owed < 1 || found < 0 || found > owed) {
            throw new IllegalArgumentException("found: " + found + " of " + owed + " (expected: 0 to owed, owed >= 1)");
        }
    }

    /**
     * Compares what a decode worker says with what it was handed over; nothing is proved by a prompt that is all tail,
     * or when it does not say.
     *
     * @param promptTokens tokens of the prompt, or below 0
     * @param foundTokens tokens of the prompt that were found in some cache, or below 0
     */
    public static Optional<HandoverProof> of(KvConnector connector, int promptTokens, int foundTokens) {
        int owed = promptTokens - connector.tailTokens();
        return owed < 1 || foundTokens < 0
                ? Optional.empty()
                : Optional.of(new HandoverProof(owed, Math.min(foundTokens, owed)));
    }

    /** Returns the share that was found, 0 to 1. */
    public double ratio() {
        return (double) found / owed;
    }

    /** Whether the decode worker computed most of what it was handed over. */
    public boolean recomputed() {
        return ratio() < 0.5;
    }
}
