// SPDX-License-Identifier: Apache-2.0
package dev.tandem.simulator.llama;

import dev.tandem.simulator.text.ContentHash;
import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/**
 * One of the sequences that the server keeps in its KV cache: the tokens of its last request with their KV, and the
 * task that runs in it. Confined to the server's thread.
 *
 * <p>The KV of a token is a chain value over the model and all tokens up to it, so KV that another model has computed
 * continues to another text.
 */
final class Slot {
    private final int id;
    private final long modelSeed;
    private int[] tokens = new int[64];
    private long[] kv = new long[64];
    private int size;

    /** What runs in the slot; null if it is free. */
    @Nullable
    SlotTask task;

    /** The latest task that ran in the slot; null before the first and after an erasure or a restore. */
    @Nullable
    SlotTask last;

    /** True if the client of the latest task left before its end. */
    boolean aborted;

    /** Position of the latest release in the order of releases; -1 for a slot that was never used. */
    long lastUsed = -1;

    Slot(int id, long modelSeed) {
        this.id = id;
        this.modelSeed = modelSeed;
    }

    int id() {
        return id;
    }

    int size() {
        return size;
    }

    boolean busy() {
        return task != null;
    }

    /** Returns how many tokens at the start of a prompt the slot already holds. */
    int commonPrefix(int[] prompt) {
        int common = Arrays.mismatch(tokens, 0, size, prompt, 0, prompt.length);
        return common < 0 ? size : common;
    }

    /** Forgets all but the first tokens. */
    void keep(int count) {
        size = count;
    }

    /** Evaluates a token: it is held from now on. */
    void append(int token) {
        append(token, ContentHash.mix(content(), token));
    }

    /** Returns the KV of the last token, which decides what the model says next. */
    long content() {
        return size == 0 ? modelSeed : kv[size - 1];
    }

    /** Takes over all tokens and KV of another slot. */
    void copy(Slot other) {
        tokens = other.tokens.clone();
        kv = other.kv.clone();
        size = other.size;
    }

    /** Returns tokens and KV for a file. */
    SlotFile.Content snapshot() {
        return new SlotFile.Content(Arrays.copyOf(tokens, size), Arrays.copyOf(kv, size));
    }

    /** Replaces everything by what a file held. */
    void fill(SlotFile.Content content) {
        tokens = content.tokens().clone();
        kv = content.kv().clone();
        size = tokens.length;
        last = null;
    }

    private void append(int token, long value) {
        if (size == tokens.length) {
            int grown = Math.max(64, size * 2);
            tokens = Arrays.copyOf(tokens, grown);
            kv = Arrays.copyOf(kv, grown);
        }
        tokens[size] = token;
        kv[size++] = value;
    }
}
