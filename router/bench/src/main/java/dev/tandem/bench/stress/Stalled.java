// SPDX-License-Identifier: Apache-2.0
package dev.tandem.bench.stress;

import java.io.IOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicBoolean;

/**
 * Clients that never read streams without end, beside some that behave.
 *
 * @param clients How many never read.
 * @param limit How long the gateway lets them.
 */
record Stalled(int clients, Duration limit) implements Scenario {
    private static final int SMALL_BUFFER = 4_096;
    private static final int WELL_BEHAVED = 4;
    private static final Duration GRACE = Duration.ofSeconds(5);

    @Override
    public String name() {
        return "stalled";
    }

    @Override
    public String what() {
        return clients + " clients that never read their endless streams, write stall " + limit.toSeconds() + " s";
    }

    /** An engine that floods thousands of connections from one core is late with everything else. */
    @Override
    public List<String> settings() {
        return List.of(
                "--tandem.edge.write-stall=" + limit.toSeconds() + "s",
                "--tandem.health.timeout=30s",
                "--tandem.engine.connect-timeout=10s");
    }

    @Override
    public Outcome run(Field field) throws InterruptedException {
        long before = field.vitals().sample().descriptors();
        AtomicBoolean over = new AtomicBoolean();
        Crowd healthy = new Crowd();
        for (int i = 0; i < WELL_BEHAVED; i++) {
            healthy.add(() -> behave(field, healthy, over));
        }
        List<Caller> stalled = new ArrayList<>();
        int refused = 0;
        for (int i = 0; i < clients; i++) {
            try {
                Caller caller = Caller.open(field.port(), SMALL_BUFFER);
                caller.send(Wish.flood(i));
                stalled.add(caller);
            } catch (IOException e) {
                refused++;
            }
        }
        long opened = System.nanoTime();
        double seconds = untilEvicted(field, before, opened);
        over.set(true);
        healthy.await();
        close(stalled);
        return new Outcome()
                .atMost("clients that could not connect", refused, 0)
                .atMost("clients that are never cut off", Double.isFinite(seconds) ? 0 : clients, 0)
                .seen("the last is cut off after its opening, from when on buffers fill", seconds, "s")
                .atMost("resident memory", field.vitals().most(Vitals.Sample::residentKib) / 1024.0, 768, "MiB")
                .atMost("errors of clients that behave", healthy.failed() + healthy.refused(), 0)
                .atMost("p99 of their answers, of which 5 ms are the engine's", healthy.millis(0.99), 250, "ms");
    }

    /** The gateway's connections are back to what they were before: to clients, and to the engine. */
    private double untilEvicted(Field field, long before, long opened) throws InterruptedException {
        long end = opened + limit.multipliedBy(3).plus(GRACE).toNanos();
        while (System.nanoTime() < end) {
            Thread.sleep(250);
            if (field.vitals().sample().descriptors() <= before + 2 * WELL_BEHAVED + 8) {
                return (System.nanoTime() - opened) / 1e9;
            }
        }
        return Double.POSITIVE_INFINITY;
    }

    private static void behave(Field field, Crowd crowd, AtomicBoolean over) throws IOException {
        try (Caller caller = Caller.open(field.port(), 0).patience(Duration.ofSeconds(20))) {
            while (!over.get()) {
                long began = System.nanoTime();
                caller.send(Wish.work(0, 5));
                if (caller.answered() == 200) {
                    crowd.noteDone(System.nanoTime() - began);
                } else {
                    crowd.noteRefused(System.nanoTime() - began);
                }
            }
        }
    }

    private static void close(List<Caller> callers) {
        for (Caller caller : callers) {
            try {
                caller.close();
            } catch (IOException e) {
                // the gateway was first
            }
        }
    }
}
