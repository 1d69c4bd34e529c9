// SPDX-License-Identifier: Apache-2.0
package dev.tandem.core.retry;

import dev.tandem.core.time.Ticker;
import java.time.Duration;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.Map;

/**
 * Workers that lose streams in their midst. Losses that follow each other within ten seconds are one series. All
 * streams that a worker had when a series began may have been lost at one stroke, by its death; a stream that it got
 * later shows that it goes on losing them. Thread-safe.
 *
 * <p>Bounded by the workers that have lost a stream in the last ten seconds.
 */
public final class LostStreams {
    private static final long SERIES_NANOS = Duration.ofSeconds(10).toNanos();

    private final Ticker ticker;

    /** Guarded by itself; by worker, in the order of the last loss. */
    private final Map<String, Series> running = new LinkedHashMap<>();

    /** Makes one that knows of no loss. */
    public LostStreams(Ticker ticker) {
        this.ticker = ticker;
    }

    /**
     * A worker has lost a stream.
     *
     * @param beganNanos when the worker was asked for it
     * @return whether it was lost with the first one of a series, and not in its course
     */
    boolean atOneStroke(String worker, long beganNanos) {
        synchronized (running) {
            long now = ticker.nanoTime();
            forgetEnded(now);
            Series before = running.remove(worker);
            long first = before == null ? now : before.firstNanos;
            running.put(worker, new Series(first, now));
            return beganNanos - first <= 0;
        }
    }

    private void forgetEnded(long now) {
        Iterator<Series> oldest = running.values().iterator();
        while (oldest.hasNext() && now - oldest.next().lastNanos > SERIES_NANOS) {
            oldest.remove();
        }
    }

    /** The first and the last loss so far. */
    private record Series(long firstNanos, long lastNanos) {}
}
