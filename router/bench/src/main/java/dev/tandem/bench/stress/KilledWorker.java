// SPDX-License-Identifier: Apache-2.0
package dev.tandem.bench.stress;

import dev.tandem.bench.stress.field.Answer;
import dev.tandem.bench.stress.field.Bystanders;
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
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.IntStream;

/**
 * Engines that are killed under load, one after the other, and come back: who notices?
 *
 * @param rounds How many are killed.
 * @param perSecond Requests in a second.
 */
record KilledWorker(int rounds, int perSecond) implements OneGateway {
    private static final int WORKERS = 4;
    private static final int SLOTS = 256;
    private static final int CLIENTS = 32;
    private static final int WORK_MILLIS = 40;
    private static final int EVENTS = 8;
    private static final Duration CALM = Duration.ofSeconds(3);
    private static final Duration DOWN = Duration.ofSeconds(6);
    private static final Duration PATIENCE = Duration.ofSeconds(30);

    @Override
    public String name() {
        return "killed";
    }

    @Override
    public String what() {
        return perSecond + " requests a second to " + WORKERS + " workers, half of them streamed, first byte after "
                + WORK_MILLIS + " ms; " + rounds + " times one of them is killed (SIGKILL) and started again "
                + DOWN.toSeconds() + " s later";
    }

    @Override
    public List<String> settings() {
        return List.of("--tandem.routing.prefill-policy=round-robin");
    }

    @Override
    public List<Engine> engines(Ground ground) throws IOException {
        List<Engine> engines = new ArrayList<>();
        for (int i = 0; i < WORKERS; i++) {
            engines.add(ground.engine(SLOTS, 1));
        }
        return engines;
    }

    @Override
    public Outcome run(Field field) throws IOException, InterruptedException {
        Bystanders.warmUp(field.port());
        Deaths deaths = new Deaths();
        Crowd crowd = new Crowd();
        AtomicBoolean over = new AtomicBoolean();
        AtomicInteger next = new AtomicInteger();
        long began = System.nanoTime();
        List<Pace> paces =
                IntStream.range(0, WORKERS).mapToObj(i -> new Pace(began)).toList();
        for (int i = 0; i < CLIENTS; i++) {
            long first = began + 1_000_000_000L * i / perSecond;
            crowd.add(() -> {
                try (Client client = new Client(field::port)) {
                    for (long due = first; !over.get(); due += 1_000_000_000L * CLIENTS / perSecond) {
                        Thread.sleep(Duration.ofNanos(Math.max(0, due - System.nanoTime())));
                        ask(client, wish(next.getAndIncrement()), crowd, deaths, paces);
                    }
                }
            });
        }
        for (int i = 0; i < rounds; i++) {
            Thread.sleep(CALM);
            kill(field.engines().get(i % WORKERS), i % WORKERS, deaths);
        }
        Thread.sleep(CALM);
        over.set(true);
        crowd.await();
        return outcome(field, crowd, deaths, paces);
    }

    private static Wish wish(int number) {
        return new Wish(number % 2 == 0 ? Wish.Kind.WORK : Wish.Kind.BURST, number, EVENTS, WORK_MILLIS);
    }

    private static void ask(Client client, Wish wish, Crowd crowd, Deaths deaths, List<Pace> paces)
            throws InterruptedException {
        long sent = System.nanoTime();
        try {
            Answer answer = client.ask(wish.body());
            long now = System.nanoTime();
            deaths.onAnswer(answer, sent, now);
            if (wish.granted(answer)) {
                crowd.noteDone(now - sent);
                paces.get(Integer.parseInt(answer.worker().substring(1))).note(now, now - sent);
            } else {
                crowd.noteFailed(wish + ": " + answer);
            }
        } catch (IOException e) {
            crowd.noteFailed(wish + ": " + e);
        }
    }

    private static void kill(Engine engine, int number, Deaths deaths) throws IOException, InterruptedException {
        deaths.killed("w" + number, System.nanoTime());
        engine.kill();
        Thread.sleep(DOWN);
        engine.revive();
        deaths.revived(System.nanoTime());
        deaths.awaitReturn(PATIENCE);
    }

    private static Outcome outcome(Field field, Crowd crowd, Deaths deaths, List<Pace> paces)
            throws IOException, InterruptedException {
        Outcome outcome = new Outcome()
                .seen("whole answers", crowd.done())
                .seen("requests that another worker took over", deaths.takenOver())
                .atMost("errors", crowd.failed(), 0)
                .atMost("the last request that was tried there, after the death", deaths.lastTry(), 1_000, "ms")
                .atMost("the first answer of a worker, after it listens again", deaths.slowestReturn(), 5_000, "ms")
                .seen(
                        "p99 of the answers' times, of which " + WORK_MILLIS + " ms are the engine's",
                        crowd.millis(0.99),
                        "ms")
                .seen("the slowest answer", crowd.millis(1), "ms")
                .atMost(
                        "left at rest: connections, requests, bytes of their bodies",
                        field.meters().left(PATIENCE),
                        0,
                        "");
        for (int i = 0; i < WORKERS; i++) {
            outcome.draw(paces.get(i).answers("w" + i + ", answers/s"));
        }
        return outcome;
    }
}
