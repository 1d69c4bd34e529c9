// SPDX-License-Identifier: Apache-2.0
package dev.tandem.core.routing.policy;

/** Mixing of 64-bit values: the finaliser of SplitMix64 (Stafford's variant 13). */
final class Mix {
    private Mix() {}

    /** Returns a bijection of the value in which each bit of the input changes half of the output. */
    static long mixed(long value) {
        long z = (value ^ (value >>> 30)) * 0xBF58476D1CE4E5B9L;
        z = (z ^ (z >>> 27)) * 0x94D049BB133111EBL;
        return z ^ (z >>> 31);
    }

    /** Returns the hash of the whole text, so that ids with a common beginning have nothing in common. */
    static long hash(String text) {
        long state = text.length();
        for (int i = 0; i < text.length(); i++) {
            state = mixed(state * 31 + text.charAt(i));
        }
        return mixed(state);
    }
}
