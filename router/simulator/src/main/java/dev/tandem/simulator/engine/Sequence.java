// SPDX-License-Identifier: Apache-2.0
package dev.tandem.simulator.engine;

import dev.tandem.simulator.text.ContentHash;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** A prompt on its way through the engine. Confined to the engine's thread. */
final class Sequence {
    final SequenceRequest request;
    final long arrivalNanos;
    final List<KvBlock> blocks = new ArrayList<>();

    /** Prompt and generated tokens; the first {@link #length} are valid. */
    int[] tokens;

    int length;
    /** Tokens whose KV is in {@link #blocks}. */
    int computed;
    /** Blocks that are full and published. */
    int fullBlocks;

    Admitted admitted = Admitted.NOTHING;
    boolean wasScheduled;
    boolean aborted;
    boolean answering;
    /** The KV of the prompt was asked for in another engine. */
    boolean fetchStarted;
    /** When it had no KV of another engine to wait for. */
    long readyNanos;
    /** When it does not wait for that KV any longer; {@link Long#MAX_VALUE} for no bound. */
    long fetchEndNanos = Long.MAX_VALUE;

    int[] script = {};
    int preemptions;
    long scheduledNanos;
    long firstTokenNanos;
    long lastTokenNanos;

    private final long root;
    /** Running hash over the contents of all full blocks. */
    private long kv;
    /** No full block holds anything else than the KV of its tokens. */
    private boolean genuine = true;

    Sequence(SequenceRequest request, long modelRoot, long arrivalNanos) {
        this.request = request;
        this.arrivalNanos = arrivalNanos;
        this.readyNanos = arrivalNanos;
        this.tokens = request.prompt();
        this.length = tokens.length;
        this.root = request.salt().isEmpty() ? modelRoot : ContentHash.mix(modelRoot, ContentHash.of(request.salt()));
        this.kv = root;
    }

    int promptLength() {
        return request.prompt().length;
    }

    int generated() {
        return length - promptLength();
    }

    /** Returns the key that block {@code index} has after the blocks before it. */
    long keyAfter(long previousKey, int index, int blockSize) {
        return ContentHash.extend(previousKey, tokens, index * blockSize, (index + 1) * blockSize);
    }

    long lastKey() {
        return fullBlocks == 0 ? root : blocks.get(fullBlocks - 1).key;
    }

    /** Notes that the next block is full: found, loaded or just published. */
    void onFull(KvBlock block) {
        fullBlocks++;
        kv = ContentHash.mix(kv, block.content);
        genuine &= block.content == block.key;
    }

    /** Returns the content of the block before this one, with which the chain of a prompt's end starts. */
    long contentBefore(int index) {
        return index == 0 ? root : blocks.get(index - 1).content;
    }

    /** Notes that the block in which the prompt ends holds the KV of something else. */
    void onForeignTail(long content) {
        kv = ContentHash.mix(kv, content);
        genuine = false;
    }

    /** Returns where the KV of the prompt must be fetched, unless that has been tried. */
    Handover.@Nullable Fetch pendingFetch() {
        return fetchStarted ? null : fetch();
    }

    /** Returns where the KV of the prompt must be fetched; null if nowhere. */
    Handover.@Nullable Fetch fetch() {
        return switch (request.handover()) {
            case null -> null;
            case Handover.Fetch fetch -> fetch;
            case Handover.Relay relay -> relay.fetch();
            case Handover.Keep keep -> null;
            case Handover.Fatal fatal -> null;
        };
    }

    /** Returns how the KV stays for another engine; null if it does not. */
    Handover.@Nullable Keep keep() {
        return switch (request.handover()) {
            case null -> null;
            case Handover.Keep keep -> keep;
            case Handover.Relay relay -> relay.keep();
            case Handover.Fetch fetch -> null;
            case Handover.Fatal fatal -> null;
        };
    }

    /** Returns the content that a block has when it is computed here: attention reads all KV before it. */
    long computedContent(long key) {
        return genuine ? key : ContentHash.mix(key, kv);
    }

    /** Forgets the blocks; their owner has given them back. */
    void onReleased() {
        blocks.clear();
        fullBlocks = 0;
        computed = 0;
        kv = root;
        genuine = true;
    }

    /** Returns the content of the KV of all computed tokens: every full block and the rest. */
    long content(int blockSize) {
        long content = ContentHash.extend(kv, tokens, fullBlocks * blockSize, computed);
        return request.variant() == 0 ? content : ContentHash.mix(content, request.variant());
    }

    void append(int token) {
        if (length == tokens.length || generated() == 0) {
            tokens = Arrays.copyOf(tokens, length + Math.max(16, length / 4));
        }
        tokens[length++] = token;
    }
}
