// SPDX-License-Identifier: Apache-2.0
package dev.tandem.bench.stress;

import dev.tandem.bench.stress.field.Answer;
import dev.tandem.bench.stress.field.Balancer;
import dev.tandem.bench.stress.field.Client;
import dev.tandem.bench.stress.field.Crowd;
import dev.tandem.bench.stress.field.Gateway;
import dev.tandem.bench.stress.field.Ground;
import dev.tandem.bench.stress.field.Ledger;
import dev.tandem.bench.stress.field.Meters;
import dev.tandem.bench.stress.field.SimulatedFleet;
import java.io.IOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;

/**
 * All engines are restarted under load, then the gateway itself, each as an operator does it: does anybody notice?
 *
 * @param each Engines of each role.
 * @param gateways How often the gateway is replaced.
 * @param perSecond Requests in a second.
 */
record RollingRestart(int each, int gateways, int perSecond) implements Scenario {
    private static final int CLIENTS = 48;
    private static final int TOKENS = 16;
    private static final int LONG_STREAMS = 32;
    private static final int LONG_TOKENS = 1_000;
    private static final String END = "data: [DONE]\n\n";
    private static final Duration PRE_DELAY = Duration.ofSeconds(2);
    private static final Duration LONGEST_STREAM = Duration.ofSeconds(20);
    private static final Duration LONGEST_DRAIN = Duration.ofSeconds(60);
    private static final Duration PATIENCE = Duration.ofSeconds(30);
    private static final long PAUSE_MILLIS = 50;

    @Override
    public String name() {
        return "restart";
    }

    @Override
    public String what() {
        return perSecond + " streams a second through " + each + "+" + each
                + " simulated engines that hand over by NIXL:"
                + " each engine is drained, restarted and taken back; then the gateway is replaced " + gateways
                + " times by a new one, while " + LONG_STREAMS + " more streams of " + LONG_TOKENS
                + " tokens are under way and a balancer asks every 500 ms who is ready (pre-delay "
                + PRE_DELAY.toSeconds() + " s)";
    }

    /** What clients do and see. Its parts are thread-safe. */
    private record Load(
            Balancer balancer,
            Crowd crowd,
            Crowd patient,
            Pace pace,
            AtomicInteger next,
            AtomicBoolean over,
            AtomicInteger handovers) {}

    @Override
    public Outcome run(Ground ground) throws IOException, InterruptedException {
        SimulatedFleet fleet = ground.fleet(each);
        Gateway first = ground.gateway(settings(fleet));
        try (Balancer balancer = Balancer.start()) {
            balancer.add(first);
            Load load = new Load(
                    balancer,
                    new Crowd(),
                    new Crowd(),
                    new Pace(System.nanoTime()),
                    new AtomicInteger(),
                    new AtomicBoolean(),
                    new AtomicInteger());
            begin(load);
            long began = System.nanoTime();
            int restarted = restartEngines(fleet, first);
            double engineSeconds = (System.nanoTime() - began) / 1e9;
            Outcome outcome = new Outcome()
                    .atLeast("engines restarted", restarted, 2L * each)
                    .seen("time for that", engineSeconds, "s");
            Gateway last = replaceGateways(ground, fleet, first, load, outcome);
            load.over().set(true);
            load.crowd().await();
            load.patient().await();
            outcome.seen(
                    "streams a second, besides the long ones",
                    load.crowd().done() / ((System.nanoTime() - began) / 1e9),
                    "");
            return add(outcome, load, fleet.ledger(), last);
        }
    }

    private static List<String> settings(SimulatedFleet fleet) {
        List<String> settings = new ArrayList<>(fleet.settings());
        settings.add("--tandem.drain.pre-delay=" + PRE_DELAY.toSeconds() + "s");
        settings.add("--tandem.drain.max=" + LONGEST_DRAIN.toSeconds() + "s");
        return settings;
    }

    private void begin(Load load) {
        long now = System.nanoTime();
        for (int i = 0; i < CLIENTS; i++) {
            long first = now + 1_000_000_000L * i / perSecond;
            load.crowd().add(() -> {
                try (Client client = new Client(load.balancer()::port)) {
                    for (long due = first;
                            !load.over().get();
                            due = Math.max(due + 1_000_000_000L * CLIENTS / perSecond, System.nanoTime())) {
                        Thread.sleep(Duration.ofNanos(Math.max(0, due - System.nanoTime())));
                        ask(client, load);
                    }
                }
            });
        }
    }

    private static void ask(Client client, Load load) throws InterruptedException {
        long sent = System.nanoTime();
        if (ask(client, load, load.crowd(), TOKENS)) {
            long now = System.nanoTime();
            load.pace().note(now, now - sent);
        }
    }

    /** Whether a whole stream of so many tokens has come, which the crowd is told. */
    private static boolean ask(Client client, Load load, Crowd crowd, int tokens) throws InterruptedException {
        int number = load.next().getAndIncrement();
        long sent = System.nanoTime();
        try {
            Answer answer = client.ask(body(number, tokens));
            if (whole(answer, tokens)) {
                crowd.noteDone(System.nanoTime() - sent);
                load.handovers().addAndGet(answer.headers().containsKey("x-tandem-prefill") ? 1 : 0);
                return true;
            }
            crowd.noteFailed(number + ": " + answer);
        } catch (IOException e) {
            crowd.noteFailed(number + ": " + e);
        }
        return false;
    }

    /** Streams that will be under way for a long time, all of them on the gateways that are ready now. */
    private static void beginLongStreams(Load load) throws InterruptedException {
        int port = load.balancer().port();
        for (int i = 0; i < LONG_STREAMS; i++) {
            load.patient().add(() -> {
                try (Client client = new Client(() -> port)) {
                    ask(client, load, load.patient(), LONG_TOKENS);
                }
            });
        }
    }

    private static String body(int number, int tokens) {
        return "{\"model\":\"m\",\"stream\":true,\"max_tokens\":" + tokens + ",\"prompt\":\"" + Ledger.prompt(number)
                + "word ".repeat(400) + "\"}";
    }

    private static boolean whole(Answer answer, int tokens) {
        String body = answer.body();
        return answer.status() == 200
                && body.endsWith(END)
                && !body.contains("\"error\"")
                && body.split("data: \\{", -1).length > tokens;
    }

    private static int restartEngines(SimulatedFleet fleet, Gateway gateway) throws IOException, InterruptedException {
        int restarted = 0;
        for (String id : fleet.ids()) {
            gateway.manage("POST", "/workers/" + id + "/drain");
            boolean idle = reaches(gateway, "tandem_worker_in_flight", id, 0);
            fleet.restart(id);
            gateway.manage("DELETE", "/workers/" + id + "/drain");
            if (idle && reaches(gateway, "tandem_worker_up", id, 1)) {
                restarted++;
            }
        }
        return restarted;
    }

    private static boolean reaches(Gateway gateway, String meter, String id, double value)
            throws IOException, InterruptedException {
        long end = System.nanoTime() + PATIENCE.toNanos();
        String label = "worker=\"" + id + "\"";
        while (Meters.sum(gateway.meters().page(), meter, label) != value) {
            if (System.nanoTime() > end) {
                return false;
            }
            Thread.sleep(PAUSE_MILLIS);
        }
        return true;
    }

    /** One comes up, then the one before it is told to end. */
    private Gateway replaceGateways(Ground ground, SimulatedFleet fleet, Gateway first, Load load, Outcome outcome)
            throws IOException, InterruptedException {
        Gateway running = first;
        int replaced = 0;
        double slowest = 0;
        for (int i = 0; i < gateways; i++) {
            Gateway next = ground.gateway(settings(fleet));
            beginLongStreams(load);
            load.balancer().add(next);
            Thread.sleep(PRE_DELAY);
            long told = System.nanoTime();
            running.terminate();
            replaced += running.ended(LONGEST_DRAIN) ? 1 : 0;
            slowest = Math.max(slowest, (System.nanoTime() - told) / 1e9);
            load.balancer().remove(running);
            running = next;
            Thread.sleep(PRE_DELAY);
        }
        outcome.atLeast("gateways replaced", replaced, gateways)
                .atMost(
                        "the slowest of them from SIGTERM to its end",
                        slowest,
                        (double) LONGEST_STREAM.plusSeconds(5).toSeconds(),
                        "s");
        return running;
    }

    private Outcome add(Outcome outcome, Load load, Ledger ledger, Gateway last)
            throws IOException, InterruptedException {
        Crowd crowd = load.crowd();
        Crowd patient = load.patient();
        return outcome.seen("whole streams", crowd.done())
                .atLeast("whole long streams, begun before SIGTERM", patient.done(), (long) gateways * LONG_STREAMS)
                .atMost("streams broken or refused, connections refused", crowd.failed() + patient.failed(), 0)
                .atLeast("streams with a hand-over", load.handovers().get(), crowd.done() + patient.done())
                .atMost("requests that came twice to engines of one role", ledger.twice(), 0)
                .atMost(
                        "requests that clients did not send",
                        ledger.beyond(load.next().get()),
                        0)
                .atMost("legs that a correct gateway does not send", ledger.violations(), 0)
                .seen("p99 of the streams' times", crowd.millis(0.99), "ms")
                .seen("the slowest stream", crowd.millis(1), "ms")
                .atMost("left at rest in the last gateway", last.meters().left(PATIENCE), 0, "")
                .draw(load.pace().answers("streams/s"))
                .draw(load.pace().slowest("slowest stream, ms"));
    }
}
