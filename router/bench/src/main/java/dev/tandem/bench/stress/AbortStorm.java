// SPDX-License-Identifier: Apache-2.0
package dev.tandem.bench.stress;

import dev.tandem.bench.Samples;
import dev.tandem.bench.stress.field.Bystanders;
import dev.tandem.bench.stress.field.Caller;
import dev.tandem.bench.stress.field.Crowd;
import dev.tandem.bench.stress.field.Field;
import dev.tandem.bench.stress.field.Vitals;
import dev.tandem.bench.stress.field.Wish;
import java.io.IOException;
import java.time.Duration;
import java.util.Arrays;
import java.util.Map;
import java.util.Random;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicInteger;

/**
 * Clients that leave at random moments, one connection after the other, as fast as they can: does anything stay?
 *
 * @param seconds How long.
 */
record AbortStorm(int seconds) implements OneGateway {
    private static final int CLIENTS = 64;
    private static final int LONG = 3_600;
    private static final int PAUSE_MILLIS = 5;
    private static final int MOST_PIECES = 12;
    private static final long SEED = 42;
    private static final Duration PATIENCE = Duration.ofSeconds(20);

    @Override
    public String name() {
        return "storm";
    }

    @Override
    public String what() {
        return CLIENTS + " clients that leave for " + seconds
                + " s, each again and again: in the midst of their request,"
                + " before the answer's head, after its first event, or in its midst; half of them with a reset";
    }

    /** When a client leaves. */
    private enum Moment {
        /** With half of its request sent. */
        SENDING,
        /** With its request sent. */
        WAITING,
        /** With the first event read. */
        FIRST,
        /** With several events read. */
        MIDST
    }

    @Override
    public Outcome run(Field field) throws IOException, InterruptedException {
        Bystanders.warmUp(field.port());
        Bystanders bystanders = Bystanders.start(field.port());
        Crowd crowd = new Crowd();
        AtomicInteger next = new AtomicInteger();
        Map<Integer, Long> left = new ConcurrentHashMap<>();
        long end = System.nanoTime() + Duration.ofSeconds(seconds).toNanos();
        for (int i = 0; i < CLIENTS; i++) {
            Random random = new Random(SEED + i);
            crowd.add(() -> {
                while (System.nanoTime() < end) {
                    int id = next.getAndIncrement();
                    left.put(id, leave(field.port(), id, random));
                    crowd.noteDone(0);
                }
            });
        }
        crowd.await();
        Crowd healthy = bystanders.stop();
        int open = field.engines().getFirst().open(PATIENCE);
        Samples micros = seen(field, left);
        return new Outcome()
                .seen("departures in a second", crowd.done() / (double) seconds, "")
                .seen("of them seen by the engine, the others before they reached it", micros.size())
                .atMost("clients that could not do so", crowd.failed(), 0)
                .atMost("p99 from a departure until the engine sees it", micros.quantile(0.99) / 1e3, 1_000, "ms")
                .atMost("left at rest: streams in the engine", open, 0)
                .atMost(
                        "left at rest: connections, requests, bytes of their bodies",
                        field.meters().left(PATIENCE),
                        0,
                        "")
                .atMost("errors of clients that behave", healthy.failed() + healthy.refused(), 0)
                .atMost(
                        "p99 of their answers, of which " + Bystanders.WORK_MILLIS + " ms are the engine's",
                        healthy.millis(0.99),
                        250,
                        "ms")
                .atMost("resident memory", field.vitals().most(Vitals.Sample::residentKib) / 1024.0, 768, "MiB");
    }

    /** Returns when it has left, in nanoseconds of the machine's clock. */
    private static long leave(int port, int id, Random random) throws IOException, InterruptedException {
        Caller caller = Caller.open(port).patience(PATIENCE);
        byte[] request = Caller.request(Wish.drip(id, LONG, PAUSE_MILLIS).body());
        switch (Moment.values()[random.nextInt(Moment.values().length)]) {
            case SENDING -> caller.write(Arrays.copyOf(request, random.nextInt(request.length)));
            case WAITING -> {
                caller.write(request);
                Thread.sleep(random.nextInt(PAUSE_MILLIS));
            }
            case FIRST -> read(caller, request, 1);
            case MIDST -> read(caller, request, 2 + random.nextInt(MOST_PIECES));
        }
        long now = System.nanoTime();
        if (random.nextBoolean()) {
            caller.reset();
        } else {
            caller.close();
        }
        return now;
    }

    private static void read(Caller caller, byte[] request, int events) throws IOException {
        caller.write(request);
        if (!caller.streams()) {
            throw new IOException("refused");
        }
        for (int i = 0; i < events; i++) {
            caller.event();
        }
    }

    private static Samples seen(Field field, Map<Integer, Long> left) throws InterruptedException {
        Samples micros = new Samples();
        for (Map.Entry<Integer, Long> each : left.entrySet()) {
            double millis = field.gone().millis(each.getKey(), each.getValue(), Duration.ZERO);
            if (!Double.isNaN(millis)) {
                micros.add((long) (millis * 1e3));
            }
        }
        return micros;
    }
}
