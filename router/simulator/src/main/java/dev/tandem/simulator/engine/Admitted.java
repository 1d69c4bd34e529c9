// SPDX-License-Identifier: Apache-2.0
package dev.tandem.simulator.engine;

/**
 * What the prefix cache gave a sequence when it was first scheduled. Immutable.
 *
 * @param cachedTokens Prompt tokens whose KV was found, in this engine or in the shared store.
 * @param externalTokens The part of them that came from the shared store.
 * @param createdTokens Prompt tokens in full blocks that this sequence adds to the cache.
 */
public record Admitted(int cachedTokens, int externalTokens, int createdTokens) {
    /** Nothing was found, nothing is added. */
    public static final Admitted NOTHING = new Admitted(0, 0, 0);
}
