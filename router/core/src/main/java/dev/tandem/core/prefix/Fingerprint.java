// SPDX-License-Identifier: Apache-2.0
package dev.tandem.core.prefix;

/**
 * Chain of block hashes over the leading bytes of a prompt. Immutable.
 *
 * <p>{@code key(i)} stands for blocks 0 to i together: two prompts that share key i share the whole prefix up to there,
 * and their model and tenant. A last, partial block has a key too.
 */
public interface Fingerprint {
    /** A request without a prompt: no blocks. */
    Fingerprint NONE = new Fingerprint() {
        @Override
        public int blocks() {
            return 0;
        }

        @Override
        public long key(int index) {
            throw new IndexOutOfBoundsException(index);
        }
    };

    /** Returns the number of keys, 0 for an empty prompt. */
    int blocks();

    /** Returns the hash of blocks 0 to {@code index}. */
    long key(int index);
}
