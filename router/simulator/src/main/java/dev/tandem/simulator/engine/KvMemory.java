// SPDX-License-Identifier: Apache-2.0
package dev.tandem.simulator.engine;

import dev.tandem.simulator.store.KvStore;
import dev.tandem.simulator.text.ContentHash;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import java.util.OptionalLong;
import org.jspecify.annotations.Nullable;

/**
 * The KV memory of one engine: gives sequences their blocks, finds cached prefixes, and keeps and fills blocks for
 * hand-overs. Confined to the engine's thread.
 *
 * <p>A prompt that ends inside a block leaves its last tokens in a block that is not full. Another engine that fetches
 * it learns the chain hash of those tokens, and so whether they are the end of its own prompt.
 */
final class KvMemory {
    private final EngineShape shape;
    private final EngineStats stats;
    private final KvPool pool;

    KvMemory(EngineShape shape, EngineStats stats) {
        this.shape = shape;
        this.stats = stats;
        this.pool = new KvPool(shape.blocks());
    }

    /** Takes the cached blocks of the prompt; at least one token is left to compute. */
    Admitted findPrefix(Sequence sequence) {
        if (!sequence.request.readsCache()) {
            return Admitted.NOTHING;
        }
        int limit = (sequence.length - 1) / shape.blockSize();
        int local = takeBlocks(sequence, limit, false);
        int external = loaded(sequence, limit);
        sequence.computed = sequence.fullBlocks * shape.blockSize();
        int created = sequence.promptLength() / shape.blockSize() - sequence.fullBlocks;
        return new Admitted(
                (local + external) * shape.blockSize(), external * shape.blockSize(), created * shape.blockSize());
    }

    /** Takes the cached blocks and empty ones for all other tokens; false, and nothing taken, if there are too few. */
    boolean reserve(Sequence sequence) {
        if (sequence.request.readsCache()) {
            takeBlocks(sequence, (sequence.length - 1) / shape.blockSize(), false);
        }
        sequence.computed = sequence.fullBlocks * shape.blockSize();
        boolean enough = grow(sequence, sequence.length - sequence.computed);
        if (!enough) {
            release(sequence);
        }
        return enough;
    }

    /** Gives a sequence the blocks for its next tokens; false if there are too few. */
    boolean grow(Sequence sequence, int tokens) {
        int needed = (sequence.computed + tokens + shape.blockSize() - 1) / shape.blockSize();
        while (sequence.blocks.size() < needed) {
            KvBlock block = pool.allocate();
            if (block == null) {
                return false;
            }
            sequence.blocks.add(block);
        }
        return true;
    }

    /** Takes all blocks back, the last one first. */
    void release(Sequence sequence) {
        for (int i = sequence.blocks.size() - 1; i >= 0; i--) {
            pool.release(sequence.blocks.get(i));
        }
        sequence.onReleased();
    }

    /** Makes the blocks findable that are full now, and stores those of the prompt. */
    void publishFullBlocks(Sequence sequence) {
        while (sequence.fullBlocks < sequence.computed / shape.blockSize()) {
            int index = sequence.fullBlocks;
            int from = index * shape.blockSize();
            long key = sequence.keyAfter(sequence.lastKey(), index, shape.blockSize());
            long content = sequence.computedContent(key);
            KvBlock block = sequence.blocks.get(index);
            pool.publish(block, key, content);
            sequence.onFull(block);
            KvStore store = shape.store();
            if (store != null && shape.stores() && from + shape.blockSize() <= sequence.promptLength()) {
                store.store(key, content);
            }
        }
    }

    /**
     * Fills the blocks of a prompt with what another engine sent. They are found by the prompt's own tokens from now
     * on, whatever they really hold.
     */
    void fill(Sequence sequence, Iterator<Handover.Block> contents) {
        while (sequence.fullBlocks < sequence.length / shape.blockSize()) {
            long key = sequence.keyAfter(sequence.lastKey(), sequence.fullBlocks, shape.blockSize());
            KvBlock block = sequence.blocks.get(sequence.fullBlocks);
            pool.publish(block, key, contents.next().content());
            sequence.onFull(block);
        }
        int tailTokens = sequence.length % shape.blockSize();
        if (tailTokens > 0) {
            Handover.Block tail = contents.next();
            long expected = tailOf(sequence, sequence.fullBlocks, sequence.length);
            if (tail.tailTokens() != tailTokens || tail.tail() != expected) {
                sequence.onForeignTail(ContentHash.mix(tail.content(), tail.tail()));
            }
        }
        sequence.computed = sequence.length - 1;
    }

    /** Fills the next blocks with what another engine sent, as many as there are; the rest has to be computed. */
    Admitted fillSome(Sequence sequence, List<Handover.Block> contents) {
        int local = sequence.fullBlocks;
        for (Handover.Block content : contents) {
            long key = sequence.keyAfter(sequence.lastKey(), sequence.fullBlocks, shape.blockSize());
            KvBlock block = sequence.blocks.get(sequence.fullBlocks);
            pool.publish(block, key, content.content());
            sequence.onFull(block);
        }
        int external = contents.size() * shape.blockSize();
        sequence.computed = sequence.fullBlocks * shape.blockSize();
        int created = sequence.promptLength() / shape.blockSize() - sequence.fullBlocks;
        return new Admitted(local * shape.blockSize() + external, external, created * shape.blockSize());
    }

    /** Returns what the cached blocks with which a prompt starts hold, from the root of its chain on. */
    List<Handover.Block> cached(int[] prompt, long root) {
        List<Handover.Block> contents = new ArrayList<>();
        long key = root;
        for (int end = shape.blockSize(); end < prompt.length; end += shape.blockSize()) {
            key = ContentHash.extend(key, prompt, end - shape.blockSize(), end);
            KvBlock block = pool.find(key);
            if (block == null) {
                return contents;
            }
            contents.add(new Handover.Block(block.content, 0, 0));
            pool.release(block);
        }
        return contents;
    }

    /** Leaves the blocks as they are for another engine, and notes where the prompt ends in them. */
    void keep(Sequence sequence, Handover.Keep keep, long nowNanos) {
        int prompt = sequence.promptLength();
        int last = prompt / shape.blockSize();
        if (prompt % shape.blockSize() > 0) {
            KvBlock block = sequence.blocks.get(last);
            block.tail = tailOf(sequence, last, prompt);
            block.tailTokens = prompt % shape.blockSize();
        }
        List<Integer> ids = sequence.blocks.stream().map(block -> block.id).toList();
        pool.holds().add(keep.id(), sequence.blocks, nowNanos + keep.lease().toNanos());
        Handover.Kept kept =
                new Handover.Kept(ids, sequence.computed, sequence.admitted.cachedTokens(), sequence.generated());
        sequence.onReleased();
        keep.kept().accept(kept);
    }

    /** Gives back what has outlived its lease. */
    void expireKept(long nowNanos) {
        int expired = pool.holds().expire(nowNanos);
        if (expired > 0) {
            stats.add(EngineCounter.KV_EXPIRED, expired);
            publishLoad();
        }
    }

    /** Returns the nanoseconds until the next lease ends; {@link Long#MAX_VALUE} if nothing is kept. */
    long nanosToExpiry(long nowNanos) {
        return pool.holds().nanosToExpiry(nowNanos);
    }

    /** Gives back the blocks that are kept under an id: they were fetched. */
    void dropKept(String id) {
        if (!pool.holds().drop(id)) {
            stats.add(EngineCounter.LATE_NOTICES, 1);
        }
        publishLoad();
    }

    /** Lets the lease of what is kept under an id end at this time at the earliest. */
    void extendKept(String id, long expiryNanos) {
        pool.holds().extend(id, expiryNanos);
    }

    /** Returns true if something is kept under an id. */
    boolean keeps(String id) {
        return pool.holds().contains(id);
    }

    /** Returns what blocks hold now, whoever uses them; empty if one of them does not exist. */
    List<Handover.Block> read(List<Integer> ids) {
        List<Handover.Block> contents = new ArrayList<>(ids.size());
        for (int id : ids) {
            KvBlock block = pool.byId(id);
            if (block == null) {
                return List.of();
            }
            contents.add(new Handover.Block(block.content, block.tail, block.tailTokens));
        }
        return contents;
    }

    void publishLoad() {
        stats.memory(pool.holds().size(), pool.used() / (double) pool.capacity());
    }

    private int loaded(Sequence sequence, int limit) {
        if (shape.store() == null || !shape.loads()) {
            return 0;
        }
        long start = System.nanoTime();
        int taken = takeBlocks(sequence, limit, true);
        stats.add(EngineHistogram.LOOKUP_TIME, (System.nanoTime() - start) / 1e9);
        return taken;
    }

    private int takeBlocks(Sequence sequence, int limit, boolean external) {
        int taken = 0;
        while (sequence.fullBlocks < limit) {
            long key = sequence.keyAfter(sequence.lastKey(), sequence.fullBlocks, shape.blockSize());
            KvBlock block = external ? loadBlock(key) : pool.find(key);
            if (block == null) {
                return taken;
            }
            sequence.blocks.add(block);
            sequence.onFull(block);
            taken++;
        }
        return taken;
    }

    private @Nullable KvBlock loadBlock(long key) {
        KvStore store = shape.store();
        if (store == null || pool.free() == 0) {
            return null;
        }
        OptionalLong content = store.load(key);
        KvBlock block = content.isPresent() ? pool.allocate() : null;
        if (block != null) {
            pool.publish(block, key, content.orElseThrow());
        }
        return block;
    }

    private long tailOf(Sequence sequence, int index, int end) {
        return ContentHash.extend(sequence.contentBefore(index), sequence.tokens, index * shape.blockSize(), end);
    }
}
