// SPDX-License-Identifier: Apache-2.0
package dev.tandem.bench.stress.field;

import java.time.Duration;
import java.util.HashMap;
import java.util.Map;
import java.util.function.BooleanSupplier;

/** When the engine has seen peers leave, by the ids of their requests. Thread-safe. */
public final class Departures {
    private final Map<Integer, Long> nanos = new HashMap<>();

    /** The engine has seen a peer leave, at that time of this machine. */
    synchronized void note(int id, long nanoTime) {
        nanos.put(id, nanoTime);
        notifyAll();
    }

    /** Returns milliseconds from that time to the engine's seeing the peer leave, NaN when it does not in time. */
    public synchronized double millis(int id, long left, Duration patience) throws InterruptedException {
        return await(() -> nanos.containsKey(id), patience) ? (nanos.getOrDefault(id, left) - left) / 1e6 : Double.NaN;
    }

    /**
     * Returns milliseconds from that time to the last peer of so many, infinity when fewer are seen to leave in time.
     */
    public synchronized double millisToLast(int count, long left, Duration patience) throws InterruptedException {
        boolean all = await(() -> nanos.size() >= count, patience);
        long last = nanos.values().stream().mapToLong(Long::longValue).max().orElse(left);
        return all ? (last - left) / 1e6 : Double.POSITIVE_INFINITY;
    }

    private boolean await(BooleanSupplier done, Duration patience) throws InterruptedException {
        long end = System.nanoTime() + patience.toNanos();
        while (!done.getAsBoolean()) {
            long leftMillis = (end - System.nanoTime()) / 1_000_000;
            if (leftMillis <= 0) {
                return false;
            }
            wait(leftMillis);
        }
        return true;
    }
}
