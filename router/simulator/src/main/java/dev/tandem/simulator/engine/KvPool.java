// SPDX-License-Identifier: Apache-2.0
package dev.tandem.simulator.engine;

import dev.tandem.simulator.text.ContentHash;
import java.util.HashMap;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * The KV cache of one engine: a fixed number of blocks with reference counts, found by the chain hash of their content.
 * Confined to the engine's thread.
 *
 * <p>Blocks that nobody uses stay findable until they are needed again; the one that was released first goes first.
 * Callers release a sequence from its last block to its first, so the tail of a chain is evicted before its head.
 */
final class KvPool {
    /** Item that turns the content of a block into that of a block which is being overwritten. */
    private static final long OVERWRITTEN = -2;

    private final int capacity;
    private final KvBlock[] all;
    private final Map<Long, KvBlock> byKey = new HashMap<>();
    /** Ring of free blocks; its successor is evicted first. */
    private final KvBlock ring = new KvBlock(0);

    private final Holds holds = new Holds();
    private int free;

    KvPool(int capacity) {
        this.capacity = capacity;
        this.all = new KvBlock[capacity];
        ring.nextFree = ring;
        ring.previousFree = ring;
        for (int i = 0; i < capacity; i++) {
            all[i] = new KvBlock(i + 1);
            append(all[i]);
        }
    }

    /** Returns the block with this key and takes a reference to it, or null. */
    @Nullable
    KvBlock find(long key) {
        KvBlock block = byKey.get(key);
        if (block != null && block.references++ == 0) {
            unlink(block);
        }
        return block;
    }

    /** Returns an empty block with one reference, evicting the oldest free one; null when every block is in use. */
    @Nullable
    KvBlock allocate() {
        KvBlock block = ring.nextFree;
        if (free == 0 || block == null) {
            return null;
        }
        unlink(block);
        if (block.cached) {
            byKey.remove(block.key, block);
            block.cached = false;
        }
        block.references = 1;
        block.content = ContentHash.mix(block.content, OVERWRITTEN);
        block.tailTokens = 0;
        return block;
    }

    /** Makes a full block findable; an earlier block with the same key stays the one that is found. */
    void publish(KvBlock block, long key, long content) {
        block.key = key;
        block.content = content;
        block.cached = byKey.putIfAbsent(key, block) == null;
    }

    /** Gives back one reference. */
    void release(KvBlock block) {
        if (--block.references == 0) {
            append(block);
        }
    }

    /** Returns the block with this id, whoever uses it; null for an id that does not exist. */
    @Nullable
    KvBlock byId(int id) {
        return id < 1 || id > capacity ? null : all[id - 1];
    }

    /** Returns the blocks that ended sequences keep for other engines. */
    Holds holds() {
        return holds;
    }

    int free() {
        return free;
    }

    int used() {
        return capacity - free;
    }

    int capacity() {
        return capacity;
    }

    private void append(KvBlock block) {
        KvBlock last = ring.previousFree == null ? ring : ring.previousFree;
        last.nextFree = block;
        block.previousFree = last;
        block.nextFree = ring;
        ring.previousFree = block;
        free++;
    }

    private void unlink(KvBlock block) {
        KvBlock previous = block.previousFree == null ? ring : block.previousFree;
        KvBlock next = block.nextFree == null ? ring : block.nextFree;
        previous.nextFree = next;
        next.previousFree = previous;
        block.previousFree = null;
        block.nextFree = null;
        free--;
    }

    /** Blocks that ended sequences keep for other engines, each group until it is dropped or its lease ends. */
    final class Holds {
        private final Map<String, Hold> byId = new LinkedHashMap<>();

        /** Keeps blocks, whose references go over to this table. */
        void add(String id, List<KvBlock> blocks, long expiryNanos) {
            byId.put(id, new Hold(List.copyOf(blocks), expiryNanos));
        }

        /** Gives back the blocks of an id; false if nothing is kept under it. */
        boolean drop(String id) {
            Hold hold = byId.remove(id);
            if (hold != null) {
                giveBack(hold);
            }
            return hold != null;
        }

        /** Lets a lease end at this time at the earliest. */
        void extend(String id, long expiryNanos) {
            byId.computeIfPresent(
                    id, (same, hold) -> hold.expiryNanos - expiryNanos < 0 ? new Hold(hold.blocks, expiryNanos) : hold);
        }

        /** Gives back what has outlived its lease and returns the number of ids. */
        int expire(long nowNanos) {
            int expired = 0;
            for (Iterator<Hold> each = byId.values().iterator(); each.hasNext(); ) {
                Hold hold = each.next();
                if (hold.expiryNanos - nowNanos <= 0) {
                    each.remove();
                    giveBack(hold);
                    expired++;
                }
            }
            return expired;
        }

        /** Returns the nanoseconds until the next lease ends; {@link Long#MAX_VALUE} if nothing is kept. */
        long nanosToExpiry(long nowNanos) {
            return byId.values().stream()
                    .mapToLong(hold -> hold.expiryNanos - nowNanos)
                    .min()
                    .orElse(Long.MAX_VALUE);
        }

        boolean contains(String id) {
            return byId.containsKey(id);
        }

        int size() {
            return byId.size();
        }

        private void giveBack(Hold hold) {
            for (int i = hold.blocks.size() - 1; i >= 0; i--) {
                release(hold.blocks.get(i));
            }
        }

        private record Hold(List<KvBlock> blocks, long expiryNanos) {}
    }
}
