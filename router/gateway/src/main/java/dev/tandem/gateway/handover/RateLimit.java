// SPDX-License-Identifier: Apache-2.0
package dev.tandem.gateway.handover;

import dev.tandem.core.time.Ticker;
import java.net.InetAddress;
import java.util.LinkedHashMap;
import java.util.Map;

/** So many messages a second from each address, and as many at once. Thread-safe. */
final class RateLimit {
    /** Addresses remembered; who has not been heard of for longest is forgotten first. */
    private static final int MOST_ADDRESSES = 4096;

    private static final double NANOS = 1e9;

    private final int perSecond;
    private final Ticker ticker;
    private final Map<InetAddress, Bucket> buckets = new LinkedHashMap<>(16, 0.75f, true) {
        @Override
        protected boolean removeEldestEntry(Map.Entry<InetAddress, Bucket> eldest) {
            return size() > MOST_ADDRESSES;
        }
    };

    RateLimit(int perSecond, Ticker ticker) {
        this.perSecond = perSecond;
        this.ticker = ticker;
    }

    /** Whether one more message may come from this address now; it counts if so. */
    synchronized boolean admits(InetAddress from) {
        long now = ticker.nanoTime();
        Bucket bucket = buckets.computeIfAbsent(from, address -> new Bucket(perSecond, now));
        bucket.left = Math.min(perSecond, bucket.left + (now - bucket.since) / NANOS * perSecond);
        bucket.since = now;
        if (bucket.left < 1) {
            return false;
        }
        bucket.left--;
        return true;
    }

    /** What an address may still send. Guarded by the limit. */
    private static final class Bucket {
        private double left;
        private long since;

        private Bucket(double left, long since) {
            this.left = left;
            this.since = since;
        }
    }
}
