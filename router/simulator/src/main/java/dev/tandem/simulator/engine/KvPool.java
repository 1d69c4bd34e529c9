// SPDX-License-Identifier: Apache-2.0
package dev.tandem.simulator.engine;

import java.util.HashMap;
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
    private final int capacity;
    private final Map<Long, KvBlock> byKey = new HashMap<>();
    /** Ring of free blocks; its successor is evicted first. */
    private final KvBlock ring = new KvBlock();

    private int free;

    KvPool(int capacity) {
        this.capacity = capacity;
        ring.nextFree = ring;
        ring.previousFree = ring;
        for (int i = 0; i < capacity; i++) {
            append(new KvBlock());
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
}
