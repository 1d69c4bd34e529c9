// SPDX-License-Identifier: Apache-2.0
package dev.tandem.core.routing.policy;

import dev.tandem.core.prefix.Fingerprint;
import dev.tandem.core.time.Ticker;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * Learns how deep into the chain a prefix hash has to look. Thread-safe.
 *
 * <p>A prefix is <em>hot</em> when its share of recent requests is at least 0.25 / n on n workers: then one worker can
 * not be its home without getting a good part of all traffic. Shares are counts that decay with a window of 128 n
 * requests, so that 32 of them make a share of 0.25 / n whatever n is; a prefix is cold again below 20. Counts decay
 * with a window of 10 minutes too: when fewer than about three requests a minute share a prefix, one worker can be its
 * home. Only hot prefixes and the blocks right behind them are counted, in a table of fixed size that forgets the
 * coldest. At the start, all counts being low, everything is cold and the first block decides.
 *
 * <p>A hot prefix has to be left only where traffic divides. So each hot block remembers which block came next, and
 * counts how often that changed; where it changes for at least an eighth of the requests the block <em>branches</em>
 * (no more below a sixteenth), and the depth is the first block behind the last branching one. Without this, a single
 * busy agent, whose every block is hot, would be chased along its own growing conversation. A hot block's first
 * follower counts as just hot from the start, which lets a long system prompt be learnt in one go instead of block by
 * block.
 */
final class Heat {
    /** Requests per worker in the window: 32 requests of a prefix are then a quarter of a worker's fair share. */
    private static final int WINDOW_PER_WORKER = 128;

    private static final double WINDOW_NANOS = 600e9;

    private static final float HOT = 32;
    private static final float COLD = 20;
    private static final float BRANCHING = 1 / 8f;
    private static final float STRAIGHT = 1 / 16f;

    /** Blocks looked at: a longer common prefix is worth staying with, however hot. */
    private static final int MAX_DEPTH = 1024;

    private static final int ENTRIES = 8192;
    private static final int WAYS = 8;

    /** Guards everything below; held for one walk along a hot prefix, a few microseconds at most. */
    private final Object lock = new Object();

    private final Ticker ticker;
    private final @Nullable Entry[] entries = new @Nullable Entry[ENTRIES];

    /** Age of the table in windows, of requests and of time together; entries store when they were seen on it. */
    private double age;

    private long lastNanos;

    Heat(Ticker ticker) {
        this.ticker = ticker;
        this.lastNanos = ticker.nanoTime();
    }

    /** Counts a request and returns the index of the key that decides about it; the prompt has at least one block. */
    int depth(Fingerprint prompt, int workers) {
        int last = Math.min(prompt.blocks(), MAX_DEPTH) - 1;
        synchronized (lock) {
            grow(WINDOW_PER_WORKER * Math.max(2, workers));
            int depth = 0;
            Entry entry = find(prompt.key(0), 0);
            entry.visit(age);
            for (int i = 0; i < last && entry.hot; i++) {
                Entry next = follower(entry, prompt.key(i + 1));
                depth = entry.branching ? i + 1 : depth;
                entry = next;
                entry.visit(age);
            }
            return depth;
        }
    }

    private void grow(int windowRequests) {
        long nanos = ticker.nanoTime();
        age += 1.0 / windowRequests + Math.max(0, nanos - lastNanos) / WINDOW_NANOS;
        lastNanos = nanos;
    }

    /** Returns the entry of the block that follows a hot one, and notes whether it is the one that followed before. */
    private Entry follower(Entry entry, long key) {
        Entry before = entry.follower;
        if (before == null || entry.followerKey != key) {
            entry.branch(before != null);
            return entry.lead(key, find(key, before == null ? HOT : 0));
        }
        entry.branch(false);
        return before.key == key ? before : entry.lead(key, find(key, 0));
    }

    /** Returns the entry of the key; a new one takes the place of the one in its set that matters least. */
    private Entry find(long key, float startVisits) {
        int set = (int) (Mix.mixed(key) & (ENTRIES / WAYS - 1)) * WAYS;
        Entry coldest = null;
        for (int i = set; i < set + WAYS; i++) {
            Entry entry = entries[i];
            if (entry == null) {
                coldest = new Entry();
                entries[i] = coldest;
                break;
            }
            if (entry.key == key) {
                return entry;
            }
            if (coldest == null || entry.warmth(age) < coldest.warmth(age)) {
                coldest = entry;
            }
        }
        Entry taken = Objects.requireNonNull(coldest);
        taken.begin(key, startVisits, age);
        return taken;
    }

    private static float decay(double windows) {
        return (float) (windows < 0.02 ? 1 - windows + windows * windows / 2 : Math.exp(-windows));
    }

    /** Counts of one block. Guarded by the lock of its table. */
    private static final class Entry {
        private long key;
        private double seen;
        private float visits;
        private float changes;
        private boolean hot;
        private boolean branching;

        /** Where the block that came next the last time was counted; null before the first. */
        private @Nullable Entry follower;

        /** The key of that block; its entry may stand for another block meanwhile. */
        private long followerKey;

        void begin(long newKey, float startVisits, double now) {
            key = newKey;
            visits = startVisits;
            seen = now;
            cool();
        }

        void visit(double now) {
            float decay = decay(now - seen);
            visits = visits * decay + 1;
            changes *= decay;
            seen = now;
            if (visits >= HOT) {
                hot = true;
            } else if (visits < COLD && hot) {
                cool();
            }
        }

        void branch(boolean changed) {
            changes += changed ? 1 : 0;
            branching = changes >= visits * (branching ? STRAIGHT : BRANCHING);
        }

        Entry lead(long key, Entry next) {
            followerKey = key;
            follower = next;
            return next;
        }

        float warmth(double now) {
            return visits * decay(now - seen);
        }

        private void cool() {
            hot = false;
            branching = false;
            follower = null;
            changes = 0;
        }
    }
}
