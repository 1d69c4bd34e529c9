// SPDX-License-Identifier: Apache-2.0
package dev.tandem.bench.stress.field;

import dev.tandem.bench.Samples;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;

/** Clients that run at the same time, each on a virtual thread, and what they have seen together. Thread-safe. */
public final class Crowd {
    private static final int TOLD = 5;

    private final List<Thread> clients = new ArrayList<>();
    private final Samples millionths = new Samples();
    private long done;
    private long refused;
    private long failed;

    /** What one client does. */
    @FunctionalInterface
    public interface Deed {
        void run() throws IOException, InterruptedException;
    }

    /** Lets one more client begin. */
    public synchronized void add(Deed deed) {
        clients.add(Thread.startVirtualThread(() -> {
            try {
                deed.run();
            } catch (IOException e) {
                noteFailed(e.toString());
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
            }
        }));
    }

    /** Waits for all clients that have begun. */
    public void await() throws InterruptedException {
        for (Thread client : begun()) {
            client.join();
        }
    }

    /** Whether any of them has not ended yet. */
    public boolean busy() {
        return begun().stream().anyMatch(Thread::isAlive);
    }

    private synchronized List<Thread> begun() {
        return List.copyOf(clients);
    }

    /** Somebody has been served, in that time. */
    public synchronized void noteDone(long nanos) {
        done++;
        millionths.add(nanos / 1_000);
    }

    /** Somebody has been refused, in that time. */
    public synchronized void noteRefused(long nanos) {
        refused++;
        millionths.add(nanos / 1_000);
    }

    /** Somebody has been let down; the first few are told to whoever watches. */
    public synchronized void noteFailed(String how) {
        if (failed++ < TOLD) {
            System.err.println("  failed: " + how);
        }
    }

    public synchronized long done() {
        return done;
    }

    public synchronized long refused() {
        return refused;
    }

    public synchronized long failed() {
        return failed;
    }

    /** Returns a quantile of the times in milliseconds, NaN without any. */
    public synchronized double millis(double share) {
        return millionths.quantile(share) / 1e3;
    }
}
