// SPDX-License-Identifier: Apache-2.0
package dev.tandem.simulator.engine;

import dev.tandem.simulator.store.KvStore;
import dev.tandem.simulator.text.ContentHash;
import org.jspecify.annotations.Nullable;

/**
 * Size and behaviour of one engine. Immutable.
 *
 * @param model Name of the model as it was passed; part of every content hash.
 * @param maxModelLength Longest prompt plus answer in tokens.
 * @param blockSize Tokens per KV block.
 * @param blocks KV blocks in all; at least one sequence of full length fits.
 * @param maxSequences Most sequences in one step.
 * @param maxBatchedTokens Token budget of one step.
 * @param meanAnswer Mean natural length of an answer in tokens; 0 for answers that never end by themselves.
 * @param speed Duration of steps.
 * @param store Shared KV store; null without one.
 * @param stores The engine writes prompt blocks to the store.
 * @param loads The engine reads blocks from the store.
 * @param connector How the engine exchanges KV with others.
 */
public record EngineShape(
        String model,
        int maxModelLength,
        int blockSize,
        int blocks,
        int maxSequences,
        int maxBatchedTokens,
        int meanAnswer,
        Speed speed,
        @Nullable KvStore store,
        boolean stores,
        boolean loads,
        Connector connector) {
    /** How an engine exchanges KV with others; decides which metrics it has. */
    public enum Connector {
        /** Not at all. */
        NONE,
        /** Through a shared store. */
        SHARED,
        /** Through a shared store that is an LMCache server. */
        LMCACHE_MP,
        /** Directly, by NIXL. */
        NIXL,
        /** Directly, by another connector, whose metrics are not known. */
        DIRECT
    }

    /** Checks the ranges. */
    public EngineShape {
        check("max-model-len", maxModelLength, 1);
        check("block-size", blockSize, 1);
        check("max-num-seqs", maxSequences, 1);
        check("max-num-batched-tokens", maxBatchedTokens, 1);
        check("sim-answer-tokens", meanAnswer, 0);
        check("num-gpu-blocks-override", blocks, (maxModelLength + blockSize - 1) / blockSize);
    }

    /** Returns the keys of the full blocks of a prompt with this salt, by which they are found in every engine. */
    public long[] blockKeys(int[] tokens, String salt) {
        long key = ContentHash.of(model);
        key = salt.isEmpty() ? key : ContentHash.mix(key, ContentHash.of(salt));
        long[] keys = new long[tokens.length / blockSize];
        for (int i = 0; i < keys.length; i++) {
            key = ContentHash.extend(key, tokens, i * blockSize, (i + 1) * blockSize);
            keys[i] = key;
        }
        return keys;
    }

    /** Returns true if the engine has a KV connector. */
    public boolean connected() {
        return connector != Connector.NONE;
    }

    /** Returns true if the engine hands KV over to other engines directly. */
    public boolean remote() {
        return connector == Connector.NIXL || connector == Connector.DIRECT;
    }

    private static void check(String name, int value, int least) {
        if (value < least) {
            throw new IllegalArgumentException(name + ": " + value + " (expected: >= " + least + ")");
        }
    }
}
