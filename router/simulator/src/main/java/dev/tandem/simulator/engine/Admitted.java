// SPDX-License-Identifier: Apache-2.0
package dev.tandem.simulator.engine;

/**
 * What the prefix cache gave a sequence when it was first scheduled. Immutable.
 *
 * @param cachedTokens Prompt tokens whose KV was found, in this engine, in the shared store or in another engine.
 * @param externalTokens The part of them that came from the shared store or from another engine.
 * @param createdTokens Prompt tokens in full blocks that this sequence adds to the cache.
 * @param shownTokens Cached tokens that the usage shows.
 */
public record Admitted(int cachedTokens, int externalTokens, int createdTokens, int shownTokens) {
    /** Nothing was found, nothing is added. */
    public static final Admitted NOTHING = new Admitted(0, 0, 0);

    /** The usage shows all cached tokens. */
    public Admitted(int cachedTokens, int externalTokens, int createdTokens) {
        this(cachedTokens, externalTokens, createdTokens, cachedTokens);
    }
}
