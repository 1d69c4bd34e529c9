// SPDX-License-Identifier: Apache-2.0
package dev.tandem.core.health;

import dev.tandem.core.time.Ticker;
import java.time.Duration;

/**
 * How many requests somebody may have at a time, learnt from how many it takes: additive increase, multiplicative
 * decrease. Thread-safe.
 *
 * <p>There is no limit before the first refusal. A refusal sets it to 0.7 times what was in flight, at least 1; one
 * that comes while more than the limit is in flight was caused before the limit, and tells nothing new. The limit grows
 * by 1 when as many requests as it allows have succeeded while it was reached. Who says when to ask again gets nothing
 * until then.
 *
 * <p>Source of the idea: V. Jacobson, Congestion Avoidance and Control, 1988.
 */
public final class ConcurrencyLimit {
    /** The limit of somebody who has refused nothing. */
    public static final int NONE = Integer.MAX_VALUE;

    private static final double DECREASE = 0.7;
    private static final Duration LONGEST_PAUSE = Duration.ofSeconds(30);

    private final Ticker ticker;
    private volatile int limit = NONE;
    private volatile boolean refused;
    private volatile boolean pausing;
    private volatile long pauseEnd;
    private int successes;

    /** Makes one without a limit. */
    public ConcurrencyLimit(Ticker ticker) {
        this.ticker = ticker;
    }

    /** Returns the limit; 0 until the time at which to ask again. Reads the clock only until then. */
    public int now() {
        if (pausing) {
            if (ticker.nanoTime() - pauseEnd < 0) {
                return 0;
            }
            pausing = false;
        }
        return limit;
    }

    /** Whether a request has ever been refused. */
    public boolean everRefused() {
        return refused;
    }

    /**
     * A request was refused.
     *
     * @param inFlight requests in flight, the refused one included, at least 1
     * @param retryAfter when to ask again; zero when nobody has said. More than 30 s count as so many.
     */
    public synchronized void onRefused(int inFlight, Duration retryAfter) {
        refused = true;
        if (inFlight <= limit) {
            limit = Math.max(1, (int) (inFlight * DECREASE));
            successes = 0;
        }
        if (retryAfter.isPositive()) {
            Duration pause = retryAfter.compareTo(LONGEST_PAUSE) < 0 ? retryAfter : LONGEST_PAUSE;
            pauseEnd = ticker.nanoTime() + pause.toNanos();
            pausing = true;
        }
    }

    /**
     * A request has succeeded.
     *
     * @param inFlight requests in flight, that one included
     */
    public void onSuccess(int inFlight) {
        if (limit != NONE && inFlight >= limit) {
            grow();
        }
    }

    /** Somebody else is there now. */
    public synchronized void clear() {
        limit = NONE;
        pausing = false;
        successes = 0;
    }

    private synchronized void grow() {
        successes++;
        if (successes >= limit && limit != NONE) {
            successes = 0;
            limit++;
        }
    }
}
