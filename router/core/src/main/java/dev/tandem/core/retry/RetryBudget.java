// SPDX-License-Identifier: Apache-2.0
package dev.tandem.core.retry;

import dev.tandem.core.time.Ticker;
import java.util.concurrent.TimeUnit;

/**
 * Keeps retries from becoming a storm: of the attempts of the last ten seconds no more than a share may be retries, but
 * a few in each second always may. When every worker fails, the load on them grows by that share and no more.
 * Thread-safe.
 *
 * <p>Retries whose worker has not seen the request are free: they load nobody.
 */
public final class RetryBudget {
    private static final int SECONDS = 10;

    private final Settings settings;
    private final Ticker ticker;

    /** Guarded by this, as all that follows: one entry a second, in a ring. */
    private final int[] requests = new int[SECONDS];

    private final int[] retries = new int[SECONDS];
    private int allRequests;
    private int allRetries;
    private long second;

    /** Makes a budget. */
    public RetryBudget(Settings settings, Ticker ticker) {
        this.settings = settings;
        this.ticker = ticker;
        this.second = now();
    }

    /** A request has come. */
    public synchronized void onRequest() {
        advance();
        requests[slot()]++;
        allRequests++;
    }

    /** Whether a retry may be made; if so, it is counted. */
    public synchronized boolean take() {
        advance();
        boolean allowed = allRetries < settings.share() * allRequests || retries[slot()] < settings.perSecond();
        if (allowed) {
            retries[slot()]++;
            allRetries++;
        }
        return allowed;
    }

    private void advance() {
        long now = now();
        for (long steps = Math.min(now - second, SECONDS); steps > 0; steps--) {
            second = now - steps + 1;
            allRequests -= requests[slot()];
            allRetries -= retries[slot()];
            requests[slot()] = 0;
            retries[slot()] = 0;
        }
    }

    private int slot() {
        return (int) Math.floorMod(second, (long) SECONDS);
    }

    private long now() {
        return TimeUnit.NANOSECONDS.toSeconds(ticker.nanoTime());
    }

    /**
     * How many retries there may be. Immutable.
     *
     * @param share retries per request, over ten seconds; in [0, 1]
     * @param perSecond retries in a second that are always allowed, at least 0
     */
    public record Settings(double share, int perSecond) {
        /** Checks the ranges. */
        public Settings {
            if (!(share >= 0 && share <= 1)) {
                throw new IllegalArgumentException("share: " + share + " (expected: in [0, 1])");
            }
            if (perSecond < 0) {
                throw new IllegalArgumentException("perSecond: " + perSecond + " (expected: >= 0)");
            }
        }
    }
}
