// SPDX-License-Identifier: Apache-2.0
package dev.tandem.bench.stress;

import dev.tandem.bench.Samples;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;

/** Clients that run at the same time, each on a virtual thread, and what they have seen together. Thread-safe. */
final class Crowd {
    private final List<Thread> clients = new ArrayList<>();
    private final Samples millionths = new Samples();
    private long done;
    private long refused;
    private long failed;

    /** What one client does. */
    @FunctionalInterface
    interface Deed {
        void run() throws IOException, InterruptedException;
    }

    /** Lets one more client begin. */
    synchronized void add(Deed deed) {
        clients.add(Thread.startVirtualThread(() -> {
            try {
                deed.run();
            } catch (IOException e) {
                noteFailed();
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
            }
        }));
    }

    /** Waits for all clients that have begun. */
    void await() throws InterruptedException {
        for (Thread client : begun()) {
            client.join();
        }
    }

    private synchronized List<Thread> begun() {
        return List.copyOf(clients);
    }

    /** Somebody has been served, in that time. */
    synchronized void noteDone(long nanos) {
        done++;
        millionths.add(nanos / 1_000);
    }

    /** Somebody has been refused, in that time. */
    synchronized void noteRefused(long nanos) {
        refused++;
        millionths.add(nanos / 1_000);
    }

    synchronized void noteFailed() {
        failed++;
    }

    synchronized long done() {
        return done;
    }

    synchronized long refused() {
        return refused;
    }

    synchronized long failed() {
        return failed;
    }

    /** Returns a quantile of the times in milliseconds, NaN without any. */
    synchronized double millis(double share) {
        return millionths.quantile(share) / 1e3;
    }
}
