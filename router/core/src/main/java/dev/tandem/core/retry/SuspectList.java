// SPDX-License-Identifier: Apache-2.0
package dev.tandem.core.retry;

import dev.tandem.core.time.Ticker;
import java.time.Duration;
import java.util.HashSet;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * Requests after which workers fell silent for good: the request itself may be what kills them. Such a request may try
 * no more than a few workers, whoever repeats it and however often; after that it is refused for a while. One that is
 * answered well is no suspect any more. Thread-safe.
 *
 * <p>Bounded: beyond the limit the request that has been seen the longest ago is forgotten.
 */
public final class SuspectList {
    private static final int LIMIT = 10_000;

    private final int workers;
    private final Duration memory;
    private final Ticker ticker;

    /** Guarded by itself; in the order of the last death. */
    private final Map<String, Suspect> suspects = new LinkedHashMap<>();

    private volatile boolean empty = true;

    /**
     * Makes an empty list.
     *
     * @param workers how many workers one request may bring down; 0 to suspect nobody
     * @param memory how long a request is remembered after the last death
     */
    public SuspectList(int workers, Duration memory, Ticker ticker) {
        this.workers = workers;
        this.memory = memory;
        this.ticker = ticker;
    }

    /** Whether anybody is suspected; without that, nothing else has to be asked. */
    public boolean any() {
        return !empty;
    }

    /** Whether a request has brought as many workers down as it may. */
    public boolean refuses(String request) {
        synchronized (suspects) {
            Suspect known = remembered(request);
            return known != null && known.workers.size() >= workers;
        }
    }

    /** A worker has taken a request and died with it, or has at least closed its connection without an answer. */
    public void onDied(String request, String worker) {
        if (workers == 0) {
            return;
        }
        synchronized (suspects) {
            Suspect known = remembered(request);
            Suspect suspect = known == null ? new Suspect() : known;
            suspect.workers.add(worker);
            suspect.lastNanos = ticker.nanoTime();
            suspects.remove(request);
            suspects.put(request, suspect);
            if (suspects.size() > LIMIT) {
                suspects.remove(suspects.keySet().iterator().next());
            }
            empty = false;
        }
    }

    /** A request was answered well. */
    public void onCompleted(String request) {
        synchronized (suspects) {
            suspects.remove(request);
            empty = suspects.isEmpty();
        }
    }

    private @Nullable Suspect remembered(String request) {
        long now = ticker.nanoTime();
        Iterator<Suspect> oldest = suspects.values().iterator();
        while (oldest.hasNext() && now - oldest.next().lastNanos > memory.toNanos()) {
            oldest.remove();
        }
        empty = suspects.isEmpty();
        return suspects.get(request);
    }

    /** What is held against a request. */
    private static final class Suspect {
        private final Set<String> workers = new HashSet<>();
        private long lastNanos;
    }
}
