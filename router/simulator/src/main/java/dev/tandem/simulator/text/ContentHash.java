// SPDX-License-Identifier: Apache-2.0
package dev.tandem.simulator.text;

/**
 * Chained 64-bit hashing of tokens and bytes.
 *
 * <p>A chain value stands for everything that came before it, so two KV blocks have equal values only if their whole
 * prefixes are equal. The step is the finaliser of SplitMix64 over the running value and the next item.
 */
public final class ContentHash {
    private static final long GOLDEN = 0x9E3779B97F4A7C15L;

    private ContentHash() {}

    /** Returns the chain value that follows {@code chain} and one more item. */
    public static long mix(long chain, long item) {
        long z = chain * 31 + item + GOLDEN;
        z = (z ^ (z >>> 30)) * 0xBF58476D1CE4E5B9L;
        z = (z ^ (z >>> 27)) * 0x94D049BB133111EBL;
        return z ^ (z >>> 31);
    }

    /** Returns the chain value after the tokens from {@code from} (inclusive) to {@code to} (exclusive). */
    public static long extend(long chain, int[] tokens, int from, int to) {
        long value = mix(chain, to - (long) from);
        for (int i = from; i < to; i++) {
            value = mix(value, tokens[i]);
        }
        return value;
    }

    /** Returns the start of a chain that is named by texts: model, salt. */
    public static long of(String... texts) {
        long value = GOLDEN;
        for (String text : texts) {
            value = mix(value, text.length());
            for (int i = 0; i < text.length(); i++) {
                value = mix(value, text.charAt(i));
            }
        }
        return value;
    }

    /** Returns the hash of a byte array. */
    public static long of(byte[] bytes) {
        long value = mix(GOLDEN, bytes.length);
        for (byte b : bytes) {
            value = mix(value, b);
        }
        return value;
    }
}
