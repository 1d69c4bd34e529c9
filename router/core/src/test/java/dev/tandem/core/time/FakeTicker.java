// SPDX-License-Identifier: Apache-2.0
package dev.tandem.core.time;

import java.time.Duration;
import java.util.concurrent.atomic.AtomicLong;

/** Time that stands still until it is moved. Thread-safe. */
public final class FakeTicker implements Ticker {
    private final AtomicLong nanos = new AtomicLong(1_000_000_007L);

    @Override
    public long nanoTime() {
        return nanos.get();
    }

    /** Moves time forward. */
    public void advance(Duration by) {
        nanos.addAndGet(by.toNanos());
    }

    /** Moves time forward to an instant, in nanoseconds of this ticker. */
    public void advanceTo(long nanoTime) {
        nanos.updateAndGet(now -> Math.max(now, nanoTime));
    }
}
