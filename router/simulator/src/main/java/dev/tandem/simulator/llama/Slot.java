// SPDX-License-Identifier: Apache-2.0
package dev.tandem.simulator.llama;

import dev.tandem.simulator.text.ContentHash;
import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/**
 * One of the sequences that the server keeps in its KV cache: the tokens of its last request with their KV, and the
 * task that runs in it. Confined to the server's thread.
 *
 * <p>The KV of a token is a hash of the token and of all KV before it, for the first token of the model. What the model
 * says next depends on all KV that the slot holds, so KV of another model or a damaged one continues to another text.
 */
final class Slot {
    private static final int FIRST_CAPACITY = 64;

    private final int id;
    private final long modelSeed;
    private int[] tokens = new int[FIRST_CAPACITY];
    private long[] kv = new long[FIRST_CAPACITY];
    /** Chain over the KV up to and including a token. */
    private long[] content = new long[FIRST_CAPACITY];

    private int size;

    /** What runs in the slot; null if it is free. */
    @Nullable
    SlotTask task;

    /** The latest task that ran in the slot; null before the first. */
    @Nullable
    SlotTask last;

    /** True if the client of the latest task left before its end. */
    boolean aborted;

    /** True if the slot holds what a streamed request for one token has evaluated. */
    boolean streamedPrefill;

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
        streamedPrefill = false;
    }

    /** Evaluates a token: it is held from now on. */
    void append(int token) {
        append(token, ContentHash.mix(content(), token));
    }

    /** Returns what the model's next word depends on. */
    long content() {
        return size == 0 ? modelSeed : content[size - 1];
    }

    /** Takes over all tokens and KV of another slot. */
    void copy(Slot other) {
        fill(other.snapshot());
    }

    /** Returns tokens and KV for a file. */
    SlotFile.Content snapshot() {
        return new SlotFile.Content(Arrays.copyOf(tokens, size), Arrays.copyOf(kv, size));
    }

    /** Replaces everything by what a file held. */
    void fill(SlotFile.Content held) {
        keep(0);
        for (int i = 0; i < held.tokens().length; i++) {
            append(held.tokens()[i], held.kv()[i]);
        }
    }

    private void append(int token, long value) {
        if (size == tokens.length) {
            tokens = Arrays.copyOf(tokens, size * 2);
            kv = Arrays.copyOf(kv, size * 2);
            content = Arrays.copyOf(content, size * 2);
        }
        tokens[size] = token;
        kv[size] = value;
        content[size] = ContentHash.mix(size == 0 ? 0 : content[size - 1], value);
        size++;
    }
}
