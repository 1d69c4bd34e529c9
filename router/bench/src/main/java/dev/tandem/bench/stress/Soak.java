// SPDX-License-Identifier: Apache-2.0
package dev.tandem.bench.stress;

import dev.tandem.bench.stress.field.Answer;
import dev.tandem.bench.stress.field.Caller;
import dev.tandem.bench.stress.field.Client;
import dev.tandem.bench.stress.field.Crowd;
import dev.tandem.bench.stress.field.Engine;
import dev.tandem.bench.stress.field.Field;
import dev.tandem.bench.stress.field.Ground;
import dev.tandem.bench.stress.field.Wish;
import java.io.IOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.ToDoubleFunction;

/**
 * Very many requests, some of them left by their clients, some failed by their engine: does anything grow?
 *
 * @param requests How many.
 */
record Soak(int requests) implements OneGateway {
    private static final int CLIENTS = 32;
    private static final int WORKERS = 4;
    private static final long EVERY_MILLIS = 3_000;
    private static final double MOST_PERCENT = 110;
    private static final Duration PATIENCE = Duration.ofSeconds(30);

    @Override
    public String name() {
        return "soak";
    }

    @Override
    public String what() {
        return requests + " requests to " + WORKERS + " workers, half of them streamed, 10 % left by their clients, 5 %"
                + " failed by an engine (an error, a reset, half an answer, a stream that is cut)";
    }

    @Override
    public List<Engine> engines(Ground ground) throws IOException {
        return List.of(ground.engine(CLIENTS, WORKERS));
    }

    @Override
    public Outcome run(Field field) throws IOException, InterruptedException {
        Crowd crowd = new Crowd();
        AtomicInteger next = new AtomicInteger();
        AtomicInteger left = new AtomicInteger();
        long began = System.nanoTime();
        for (int i = 0; i < CLIENTS; i++) {
            crowd.add(() -> ask(field, crowd, next, left));
        }
        List<Held> held = watch(field, crowd, left, began);
        double seconds = (System.nanoTime() - began) / 1e9;
        Outcome outcome = new Outcome()
                .seen("requests in a second", requests / seconds, "")
                .seen("requests that their client left", left.get())
                .atMost("other answers that were not what they should be", crowd.failed(), 0)
                .atLeast("right answers and departures together", crowd.done() + left.get(), requests)
                .seen("p99 of their times", crowd.millis(0.99), "ms");
        add(outcome, held, "heap after a collection, MiB", Held::heapMib);
        add(outcome, held, "direct memory, MiB", Held::directMib);
        add(outcome, held, "resident memory, MiB", Held::residentMib);
        add(outcome, held, "open descriptors", Held::descriptors);
        add(outcome, held, "threads", Held::threads);
        return outcome.atMost(
                        "left at rest: connections, requests, bytes of their bodies",
                        field.meters().left(PATIENCE),
                        0,
                        "")
                .atMost(
                        "left at rest: streams in the engine",
                        field.engines().getFirst().open(PATIENCE),
                        0);
    }

    private static void add(Outcome outcome, List<Held> held, String what, ToDoubleFunction<Held> value) {
        Trend trend = new Trend(held.stream().mapToDouble(value).boxed().toList());
        outcome.atMost(what + ": last quarter, against the second", trend.percent(), MOST_PERCENT, "%")
                .seen(what + ": last quarter", trend.last(), "")
                .seen(what + ": rise over the second half", trend.rise(), "")
                .draw(Curve.of(what, held, Held::seconds, value));
    }

    /** Samples, and tells so, until all have been answered. */
    private List<Held> watch(Field field, Crowd crowd, AtomicInteger left, long began)
            throws IOException, InterruptedException {
        List<Held> held = new ArrayList<>();
        long before = 0;
        long then = began;
        while (crowd.busy()) {
            Thread.sleep(EVERY_MILLIS);
            held.add(Held.by(field));
            long answered = crowd.done() + crowd.failed() + left.get();
            long now = System.nanoTime();
            System.err.printf(
                    "  %.0f s: %d requests, %.0f/s, %s%n",
                    (now - began) / 1e9, answered, (answered - before) / ((now - then) / 1e9), held.getLast());
            before = answered;
            then = now;
        }
        crowd.await();
        return held;
    }

    private void ask(Field field, Crowd crowd, AtomicInteger next, AtomicInteger left)
            throws IOException, InterruptedException {
        try (Client client = new Client(field::port)) {
            for (int number = next.getAndIncrement(); number < requests; number = next.getAndIncrement()) {
                Wish wish = SoakMix.wish(number);
                try {
                    if (SoakMix.leaves(wish)) {
                        leave(client, wish);
                        left.incrementAndGet();
                    } else {
                        follow(client, wish, crowd);
                    }
                } catch (IOException e) {
                    crowd.noteFailed(wish + ": " + e);
                }
            }
        }
    }

    private static void leave(Client client, Wish wish) throws IOException, InterruptedException {
        try (client) {
            Caller caller = client.caller();
            caller.send(wish);
            int events = SoakMix.patience(wish);
            boolean streams = events > 0 && caller.streams();
            for (int i = 0; streams && i < events; i++) {
                caller.event();
            }
        }
    }

    private static void follow(Client client, Wish wish, Crowd crowd) throws IOException, InterruptedException {
        long began = System.nanoTime();
        Answer answer = client.ask(wish.body());
        if (wish.granted(answer)) {
            crowd.noteDone(System.nanoTime() - began);
        } else {
            crowd.noteFailed(wish + ": " + answer);
        }
    }
}
