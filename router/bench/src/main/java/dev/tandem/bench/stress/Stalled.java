// SPDX-License-Identifier: Apache-2.0
package dev.tandem.bench.stress;

import dev.tandem.bench.stress.field.Bystanders;
import dev.tandem.bench.stress.field.Caller;
import dev.tandem.bench.stress.field.Crowd;
import dev.tandem.bench.stress.field.Engine;
import dev.tandem.bench.stress.field.Field;
import dev.tandem.bench.stress.field.Ground;
import dev.tandem.bench.stress.field.SendQueues;
import dev.tandem.bench.stress.field.Vitals;
import dev.tandem.bench.stress.field.Wish;
import java.io.IOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;

/**
 * Clients that never read streams without end, beside some that behave. Those have an engine of their own: one that
 * floods thousands of connections is late with everything else.
 *
 * @param clients How many never read.
 * @param limit How long the gateway lets them.
 */
record Stalled(int clients, Duration limit) implements OneGateway {
    private static final int SMALL_BUFFER = 4_096;
    private static final int LOOK_MILLIS = 250;
    private static final Duration LONGEST = Duration.ofMinutes(3);
    private static final Duration GRACE = Duration.ofSeconds(5);

    @Override
    public String name() {
        return "stalled";
    }

    @Override
    public String what() {
        return clients + " clients that never read their endless streams, write stall " + limit.toSeconds() + " s";
    }

    @Override
    public List<Engine> engines(Ground ground) throws IOException {
        return List.of(ground.engine(16, 1), ground.floodingEngine());
    }

    /** The flooding engine is late with its probes, too. */
    @Override
    public List<String> settings() {
        return List.of(
                "--tandem.edge.write-stall=" + limit.toSeconds() + "s",
                "--tandem.health.timeout=30s",
                "--tandem.engine.connect-timeout=10s");
    }

    @Override
    public Outcome run(Field field) throws IOException, InterruptedException {
        Bystanders.warmUp(field.port());
        Bystanders bystanders = Bystanders.start(field.port());
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
        Evicted evicted = untilEvicted(field, stalled);
        Crowd healthy = bystanders.stop();
        close(stalled);
        return new Outcome()
                .atMost("clients that could not connect", refused, 0)
                .atMost("clients that are never cut off", evicted.never(), 0)
                .atMost(
                        "each is cut off after the kernel took the last bytes for it",
                        evicted.longestSeconds(),
                        (double) limit.plus(GRACE).toSeconds(),
                        "s")
                .seen(
                        "the last of them after all have opened their streams, whose buffers fill slowly",
                        evicted.seconds(),
                        "s")
                .atMost("direct memory of buffers", evicted.mostDirectMib(), 256, "MiB")
                .atMost("resident memory", field.vitals().most(Vitals.Sample::residentKib) / 1024.0, 768, "MiB")
                .atMost("errors of clients that behave", healthy.failed() + healthy.refused(), 0)
                .atMost(
                        "p99 of their answers, of which " + Bystanders.WORK_MILLIS + " ms are the engine's",
                        healthy.millis(0.99),
                        250,
                        "ms")
                .seen("the slowest of them", healthy.millis(1), "ms");
    }

    /** A connection is over when the gateway's end of it is no longer established. */
    private Evicted untilEvicted(Field field, List<Caller> clients) throws IOException, InterruptedException {
        long opened = System.nanoTime();
        long end = opened + LONGEST.toNanos();
        Duration late = limit.plus(GRACE);
        SendQueues queues =
                new SendQueues(field.port(), clients.stream().map(Caller::port).toList());
        double mostDirectMib = 0;
        while (queues.open() > queues.idle(late) && System.nanoTime() < end) {
            Thread.sleep(LOOK_MILLIS);
            mostDirectMib =
                    Math.max(mostDirectMib, Held.directMib(field.meters().page()));
            queues.look();
        }
        return new Evicted((System.nanoTime() - opened) / 1e9, queues.longestSeconds(), queues.open(), mostDirectMib);
    }

    /**
     * How they were cut off.
     *
     * @param seconds When the last of them was.
     * @param longestSeconds How long nothing had moved on one that was, at most.
     * @param never How many were not.
     * @param mostDirectMib What their buffers took meanwhile.
     */
    private record Evicted(double seconds, double longestSeconds, int never, double mostDirectMib) {}

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
