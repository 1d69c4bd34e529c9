// SPDX-License-Identifier: Apache-2.0
package dev.tandem.bench.stress;

import dev.tandem.bench.stress.field.Answer;
import dev.tandem.bench.stress.field.Caller;
import dev.tandem.bench.stress.field.Crowd;
import dev.tandem.bench.stress.field.Engine;
import dev.tandem.bench.stress.field.Field;
import dev.tandem.bench.stress.field.Ground;
import dev.tandem.bench.stress.field.Vitals;
import dev.tandem.bench.stress.field.Wish;
import java.io.IOException;
import java.time.Duration;
import java.util.List;

/**
 * Twice the load that the engine can serve: what is served of it, and how fast is the rest refused?
 *
 * @param seconds Length of each of both measurements.
 */
record Overload(int seconds) implements OneGateway {
    private static final int SLOTS = 16;
    private static final int WORK_MILLIS = 40;
    private static final int RUNNING = 24;
    private static final int CLIENTS = 256;

    @Override
    public String name() {
        return "overload";
    }

    @Override
    public String what() {
        return "an engine that serves " + SLOTS * 1_000 / WORK_MILLIS + " requests a second at most, asked for twice"
                + " as many as it serves, by " + CLIENTS + " clients; " + RUNNING + " run, 48 wait";
    }

    @Override
    public List<String> settings() {
        return List.of(
                "--tandem.admission.max-running=" + RUNNING,
                "--tandem.admission.max-waiting=48",
                "--tandem.admission.max-wait=5s");
    }

    @Override
    public List<Engine> engines(Ground ground) throws IOException {
        return List.of(ground.engine(SLOTS, 1));
    }

    @Override
    public Outcome run(Field field) throws IOException, InterruptedException {
        asked(field, CLIENTS, CLIENTS * WORK_MILLIS * 1_000_000L / (2 * SLOTS)); // warms both kinds of answers
        Result peak = asked(field, RUNNING, 0);
        Held atPeak = Held.by(field);
        double rate = 2.0 * peak.served().done() / seconds;
        Result twice = asked(field, CLIENTS, (long) (CLIENTS / rate * 1e9));
        Held atTwice = Held.by(field);
        double offered = (twice.served().done() + twice.shed().refused()) / (double) seconds;
        return new Outcome()
                .atLeast(
                        "offered load, against the peak of " + peak.served().done() / seconds + "/s",
                        offered * seconds / peak.served().done(),
                        1.8,
                        "times")
                .atLeast(
                        "served of it, against the peak",
                        100.0 * twice.served().done() / peak.served().done(),
                        90,
                        "%")
                .atMost("p99 of refusals", twice.shed().millis(0.99), 20, "ms")
                .atMost(
                        "neither served nor refused with Retry-After",
                        twice.served().failed(),
                        0)
                .atMost(
                        "heap and direct memory after a collection, against those after the peak",
                        percent(used(atTwice), used(atPeak)),
                        110,
                        "%")
                .atMost(
                        "resident memory, against that after the peak",
                        percent(atTwice.residentMib(), atPeak.residentMib()),
                        110,
                        "%")
                .atMost("resident memory", field.vitals().most(Vitals.Sample::residentKib) / 1024.0, 768, "MiB");
    }

    private static double used(Held held) {
        return held.heapMib() + held.directMib();
    }

    private static double percent(double part, double of) {
        return 100 * part / of;
    }

    /** Who was served, and who was refused. */
    private record Result(Crowd served, Crowd shed) {}

    /** Lets clients ask for some seconds, each again after a pause since it asked last, or at once. */
    private Result asked(Field field, int clients, long pauseNanos) throws InterruptedException {
        Result result = new Result(new Crowd(), new Crowd());
        long end = System.nanoTime() + Duration.ofSeconds(seconds).toNanos();
        for (int i = 0; i < clients; i++) {
            long first = System.nanoTime() + pauseNanos * i / clients;
            result.served().add(() -> ask(field, result, first, pauseNanos, end));
        }
        result.served().await();
        return result;
    }

    private static void ask(Field field, Result result, long first, long pauseNanos, long end)
            throws IOException, InterruptedException {
        try (Caller caller = Caller.open(field.port()).patience(Duration.ofSeconds(20))) {
            long due = first;
            while (System.nanoTime() < end) {
                Thread.sleep(Duration.ofNanos(Math.max(0, due - System.nanoTime())));
                long began = System.nanoTime();
                due += pauseNanos;
                Answer answer = caller.ask(Wish.work(0, WORK_MILLIS));
                note(result, answer, System.nanoTime() - began);
            }
        }
    }

    /** Whoever is refused is told when to come back. */
    private static void note(Result result, Answer answer, long nanos) {
        if (answer.status() == 200) {
            result.served().noteDone(nanos);
        } else if (answer.status() == 503 && answer.headers().containsKey("retry-after")) {
            result.shed().noteRefused(nanos);
        } else {
            result.served().noteFailed(answer.toString());
        }
    }
}
