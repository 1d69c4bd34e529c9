// SPDX-License-Identifier: Apache-2.0
package dev.tandem.bench.stress;

import dev.tandem.bench.stress.field.Answer;
import dev.tandem.bench.stress.field.Bystanders;
import dev.tandem.bench.stress.field.Caller;
import dev.tandem.bench.stress.field.Crowd;
import dev.tandem.bench.stress.field.Field;
import dev.tandem.bench.stress.field.Vitals;
import java.io.IOException;
import java.time.Duration;
import java.util.Arrays;
import java.util.List;

/**
 * Clients that send their heads, or their bodies, a byte at a time, and do it again when they are cut off, beside some
 * that behave.
 *
 * @param clients How many of either kind.
 * @param head How long the gateway waits for a head.
 * @param body How long it waits for a body.
 */
record Slowloris(int clients, Duration head, Duration body) implements OneGateway {
    private static final int ATTACKS = 2;
    private static final String BODY = "{\"model\":\"m\",\"prompt\":\"" + "slow ".repeat(200) + "\"}";
    private static final byte[] REQUEST = Caller.request(BODY);
    private static final int HEAD_BYTES = REQUEST.length - BODY.length();
    private static final int CONNECTED_PER_SECOND = 1_000;
    private static final Duration EACH_BYTE = Duration.ofSeconds(1);
    private static final Duration GRACE = Duration.ofSeconds(1);
    private static final Duration PATIENCE = Duration.ofSeconds(60);

    @Override
    public String name() {
        return "slowloris";
    }

    @Override
    public String what() {
        return clients + " clients that send a byte of their heads each second, and " + clients
                + " that do so with their bodies, twice each; head timeout " + head.toSeconds() + " s, body timeout "
                + body.toSeconds() + " s";
    }

    @Override
    public List<String> settings() {
        return List.of(
                "--tandem.edge.head-timeout=" + head.toSeconds() + "s",
                "--tandem.body.read-timeout=" + body.toSeconds() + "s");
    }

    @Override
    public Outcome run(Field field) throws IOException, InterruptedException {
        Bystanders.warmUp(field.port());
        Bystanders bystanders = Bystanders.start(field.port());
        Crowd heads = new Crowd();
        Crowd bodies = new Crowd();
        for (int i = 0; i < clients; i++) {
            heads.add(() -> attack(field.port(), 1, heads));
            bodies.add(() -> attack(field.port(), HEAD_BYTES, bodies));
            Thread.sleep(i % CONNECTED_PER_SECOND == CONNECTED_PER_SECOND - 1 ? 1_000 : 0);
        }
        heads.await();
        bodies.await();
        Crowd healthy = bystanders.stop();
        Outcome outcome = new Outcome();
        add(outcome, "heads", heads, head);
        add(outcome, "bodies", bodies, body);
        return outcome.atMost("resident memory", field.vitals().most(Vitals.Sample::residentKib) / 1024.0, 768, "MiB")
                .atMost("errors of clients that behave", healthy.failed() + healthy.refused(), 0)
                .atMost(
                        "p99 of their answers, of which " + Bystanders.WORK_MILLIS + " ms are the engine's",
                        healthy.millis(0.99),
                        100,
                        "ms")
                .atMost(
                        "left at rest: connections, requests, bytes of their bodies",
                        field.meters().left(PATIENCE),
                        0,
                        "");
    }

    private void add(Outcome outcome, String what, Crowd crowd, Duration limit) {
        outcome.atLeast("slow " + what + " answered 408", crowd.refused(), (long) ATTACKS * clients)
                .atMost("slow " + what + " that ended otherwise", crowd.failed() + crowd.done(), 0)
                .seen("half of them after their first byte within", crowd.millis(0.5) / 1e3, "s")
                .atMost(
                        "the last of them within",
                        crowd.millis(1) / 1e3,
                        (double) limit.plus(GRACE).toSeconds(),
                        "s");
    }

    private static void attack(int port, int atOnce, Crowd crowd) throws IOException, InterruptedException {
        for (int i = 0; i < ATTACKS; i++) {
            try (Caller caller = Caller.open(port).patience(PATIENCE)) {
                caller.write(Arrays.copyOf(REQUEST, atOnce));
                long began = System.nanoTime();
                Thread sender = Thread.startVirtualThread(() -> trickle(caller, atOnce));
                Answer answer = caller.answer();
                long nanos = System.nanoTime() - began;
                sender.interrupt();
                sender.join();
                if (answer.status() == 408 && caller.ends()) {
                    crowd.noteRefused(nanos);
                } else {
                    crowd.noteFailed(answer.toString());
                }
            } catch (IOException e) {
                crowd.noteFailed(e.toString());
            }
        }
    }

    private static void trickle(Caller caller, int from) {
        try {
            for (int i = from; i < REQUEST.length; i++) {
                Thread.sleep(EACH_BYTE);
                caller.write(REQUEST[i]);
            }
        } catch (IOException cut) {
            // the other thread tells
        } catch (InterruptedException answered) {
            Thread.currentThread().interrupt();
        }
    }
}
