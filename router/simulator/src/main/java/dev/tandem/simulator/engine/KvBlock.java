// SPDX-License-Identifier: Apache-2.0
package dev.tandem.simulator.engine;

import org.jspecify.annotations.Nullable;

/** One block of the KV cache. Confined to the engine's thread; its pool is the only writer. */
final class KvBlock {
    /** Name of the block towards other engines, from 1. */
    final int id;
    /** Number of sequences that use the block; unreferenced blocks are free and may still be found by key. */
    int references;
    /** True if the block can be found by {@link #key}. */
    boolean cached;
    /** Chain hash of the tokens up to and including this block: what the block is looked up by. */
    long key;
    /** Chain hash of the KV that the block really holds; equals {@link #key} unless foreign KV was loaded. */
    long content;
    /** Chain hash of the prompt tokens with which a kept prompt ends in this block. */
    long tail;
    /** Number of those tokens; 0 if no kept prompt ends here. */
    int tailTokens;

    @Nullable
    KvBlock previousFree;

    @Nullable
    KvBlock nextFree;

    KvBlock(int id) {
        this.id = id;
    }
}
