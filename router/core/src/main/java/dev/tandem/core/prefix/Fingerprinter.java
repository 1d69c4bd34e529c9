// SPDX-License-Identifier: Apache-2.0
package dev.tandem.core.prefix;

import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.nio.ByteOrder;
import java.util.Arrays;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * Makes fingerprints from the raw bytes of a prompt. Immutable.
 *
 * <p>The bytes are those of the JSON body, escapes and all, not decoded text: equal prompts of one client are equal
 * bytes, and nothing has to be decoded. Two clients that write the same text differently (other escapes, other spaces)
 * get different keys, which costs a cache hit and nothing else. No text is kept.
 *
 * <p>The hash takes the block as little-endian words of 8 bytes, the last one padded with zeros, and then the length of
 * the block, into one state that goes on from block to block:
 *
 * <pre>{@code
 * state = (state ^ word) * 0x9E3779B97F4A7C15;   state ^= state >>> 29     for each word, then for the length
 * key   = finish(state)
 * }</pre>
 *
 * where {@code finish} is the 64-bit finaliser of SplitMix64 (Steele, Lea, Flood 2014; constants of Stafford's variant
 * 13). Each step is a bijection of the state and of the word, so blocks that differ in one word never collide. The hash
 * is not keyed: somebody who wants can make two prompts collide, and gains that both go to the same worker.
 */
public final class Fingerprinter {
    private static final VarHandle WORDS = MethodHandles.byteArrayViewVarHandle(long[].class, ByteOrder.LITTLE_ENDIAN);
    private static final long MULTIPLIER = 0x9E3779B97F4A7C15L;
    private static final long SEED = 0x2545F4914F6CDD1DL;
    private static final int WORD = Long.BYTES;
    private static final int FIRST_KEYS = 32;

    private final int blockBytes;
    private final int maxBlocks;

    /**
     * Makes a source of fingerprints.
     *
     * @param blockBytes bytes that one key stands for, a positive multiple of 8; 256 bytes are about 64 tokens
     * @param maxBlocks most keys of a fingerprint, at least 1; the rest of the prompt is ignored
     */
    public Fingerprinter(int blockBytes, int maxBlocks) {
        if (blockBytes < WORD || blockBytes % WORD != 0) {
            throw new IllegalArgumentException("blockBytes: " + blockBytes + " (expected: a multiple of 8, >= 8)");
        }
        if (maxBlocks < 1) {
            throw new IllegalArgumentException("maxBlocks: " + maxBlocks + " (expected: >= 1)");
        }
        this.blockBytes = blockBytes;
        this.maxBlocks = maxBlocks;
    }

    /** Makes the source that the gateway uses: blocks of 256 bytes, at most 4,096 of them (1 MiB of prompt). */
    public static Fingerprinter standard() {
        return new Fingerprinter(256, 4096);
    }

    /**
     * Begins a fingerprint. Prompts of different models or tenants share no key.
     *
     * @param model the served model, or null when the request names none
     * @param tenant whose request it is; empty when there are no tenants
     */
    public Builder start(@Nullable String model, String tenant) {
        long state = salted(SEED, model == null ? "" : model);
        return new Builder(salted(model == null ? ~state : state, tenant));
    }

    /** Collects the bytes of one prompt. Confined to one request. */
    public final class Builder {
        private final byte[] block = new byte[blockBytes];
        private long[] keys = new long[Math.min(FIRST_KEYS, maxBlocks)];
        private int count;
        private int filled;
        private long state;

        private Builder(long salt) {
            state = salt;
        }

        /** Adds bytes. How they are divided among calls makes no difference. */
        public void update(byte[] bytes, int offset, int length) {
            Objects.checkFromIndexSize(offset, length, bytes.length);
            int from = offset;
            int left = length;
            while (left > 0 && count < maxBlocks) {
                if (filled == 0 && left >= blockBytes) {
                    add(bytes, from, blockBytes);
                    from += blockBytes;
                    left -= blockBytes;
                } else {
                    int taken = Math.min(left, blockBytes - filled);
                    System.arraycopy(bytes, from, block, filled, taken);
                    filled += taken;
                    from += taken;
                    left -= taken;
                    if (filled == blockBytes) {
                        cut();
                    }
                }
            }
        }

        /**
         * Ends the current block here, however short. To be called after each message of a conversation: the key then
         * stays what it is when the next turn appends to the conversation.
         */
        public void cut() {
            if (filled > 0 && count < maxBlocks) {
                int length = filled;
                filled = 0;
                Arrays.fill(block, length, padded(length), (byte) 0);
                add(block, 0, length);
            }
        }

        /** Returns the fingerprint; a last, partial block gets a key too. */
        public Fingerprint finish() {
            cut();
            return count == 0 ? Fingerprint.NONE : new Chain(Arrays.copyOf(keys, count));
        }

        private void add(byte[] bytes, int offset, int length) {
            if (count == keys.length) {
                keys = Arrays.copyOf(keys, Math.min(maxBlocks, 2 * count));
            }
            state = mixed(hashed(state, bytes, offset, padded(length)), length);
            keys[count] = finished(state);
            count++;
        }
    }

    private static int padded(int length) {
        return (length + WORD - 1) / WORD * WORD;
    }

    private static long hashed(long seed, byte[] bytes, int offset, int length) {
        long state = seed;
        for (int at = offset; at < offset + length; at += WORD) {
            state = mixed(state, (long) WORDS.get(bytes, at));
        }
        return state;
    }

    private static long salted(long seed, String text) {
        long state = seed;
        for (int i = 0; i < text.length(); i++) {
            state = mixed(state, text.charAt(i));
        }
        return mixed(state, text.length());
    }

    private static long mixed(long state, long word) {
        long mixed = (state ^ word) * MULTIPLIER;
        return mixed ^ (mixed >>> 29);
    }

    private static long finished(long state) {
        long key = (state ^ (state >>> 30)) * 0xBF58476D1CE4E5B9L;
        key = (key ^ (key >>> 27)) * 0x94D049BB133111EBL;
        return key ^ (key >>> 31);
    }

    /** The keys of one prompt. Immutable. */
    private static final class Chain implements Fingerprint {
        private final long[] keys;

        Chain(long[] keys) {
            this.keys = keys;
        }

        @Override
        public int blocks() {
            return keys.length;
        }

        @Override
        public long key(int index) {
            return keys[index];
        }
    }
}
