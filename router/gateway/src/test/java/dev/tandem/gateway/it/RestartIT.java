// SPDX-License-Identifier: Apache-2.0
package dev.tandem.gateway.it;

import static org.assertj.core.api.Assertions.assertThat;

import dev.tandem.core.fleet.Fleet;
import dev.tandem.core.fleet.Role;
import dev.tandem.core.fleet.WorkerStatus;
import dev.tandem.gateway.it.RawClient.Answer;
import dev.tandem.simulator.http.EngineOptions;
import dev.tandem.simulator.http.SeenRequest;
import dev.tandem.simulator.http.SimulatedEngine;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Engines come and go under load, and clients notice nothing. */
@Timeout(value = 180, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
final class RestartIT {
    private static final String PATH = "/v1/completions";
    private static final String TEXT = "{\"id\":\"cmpl-1\",\"choices\":[]}";
    private static final int OF_EACH_ROLE = 8;
    private static final int CLIENTS = 4;

    /** What tells the prompts of {@link #askUntil} apart. */
    private static final Pattern START = Pattern.compile("\"prompt\":\\s*\"(\\d+-\\d+) ");

    private final List<String> prefilled = new ArrayList<>();
    private final List<String> decoded = new ArrayList<>();
    private final Queue<String> bad = new ConcurrentLinkedQueue<>();
    private final AtomicInteger good = new AtomicInteger();

    @Test
    void aRollingRestartOfAllEnginesBreaksNothing() throws IOException, InterruptedException {
        List<SimulatedEngine> engines = new ArrayList<>();
        GatewayRig.Setup setup = GatewayRig.setup();
        for (int i = 0; i < 2 * OF_EACH_ROLE; i++) {
            engines.add(SimulatedEngine.start(EngineOptions.of("tiny", 0)));
            setup.worker(id(i), engines.get(i).baseUrl(), i < OF_EACH_ROLE ? Role.PREFILL : Role.DECODE);
        }
        GatewayRig rig = setup.start();
        AtomicBoolean over = new AtomicBoolean();
        List<Thread> clients = IntStream.range(0, CLIENTS)
                .mapToObj(client -> Thread.startVirtualThread(() -> askUntil(over, rig.port(), client)))
                .toList();
        for (int i = 0; i < engines.size(); i++) {
            int before = good.get();
            restart(rig, engines, i);
            Poll.until(() -> "load goes on, good=" + good + " bad=" + bad, () -> good.get() > before + CLIENTS);
        }
        over.set(true);
        for (Thread client : clients) {
            client.join();
        }

        assertThat(bad).as("besides %s good ones", good).isEmpty();
        rig.assertNothingLeft();
        for (int i = 0; i < engines.size(); i++) {
            note(engines.get(i), i);
            engines.get(i).close();
        }
        assertThat(prefilled).doesNotHaveDuplicates();
        assertThat(decoded).doesNotHaveDuplicates().hasSize(good.get());
        rig.close();
    }

    /** As an operator does it: drain, wait, restart, take back. */
    private void restart(GatewayRig rig, List<SimulatedEngine> engines, int i) throws IOException {
        String drain = "/workers/" + id(i) + "/drain";
        RawClient.ask(rig.managementPort(), "POST", drain, new byte[0]);
        Poll.until(() -> "idle: " + status(rig, id(i)), () -> status(rig, id(i)).inFlight() == 0);
        int port = engines.get(i).port();
        note(engines.get(i), i);
        engines.get(i).close();
        engines.set(i, SimulatedEngine.start(EngineOptions.of("tiny", port)));
        RawClient.ask(rig.managementPort(), "DELETE", drain, new byte[0]);
        Poll.until(
                () -> "back: " + status(rig, id(i)),
                () -> status(rig, id(i)).state().serving());
    }

    /** Notes the requests that an engine has got before it goes. */
    private void note(SimulatedEngine engine, int i) {
        for (SeenRequest seen : engine.journal().requests(PATH)) {
            Matcher start = START.matcher(seen.bodyText());
            assertThat(start.find()).as("%s", seen).isTrue();
            (i < OF_EACH_ROLE ? prefilled : decoded).add(start.group(1));
        }
    }

    private void askUntil(AtomicBoolean over, int port, int client) {
        for (int number = 0; !over.get(); number++) {
            try {
                Answer answer = RawClient.post(port, PATH, ask(client + "-" + number + " "));
                if (answer.status() == 200 && answer.whole() && answer.text().endsWith("data: [DONE]\n\n")) {
                    good.incrementAndGet();
                } else {
                    bad.add(answer.toString());
                }
            } catch (IOException e) {
                bad.add(e.toString());
            }
        }
    }

    @Test
    void aWorkerThatIsKilledBeforeTheFirstByteIsNoticedByNobody() throws IOException, InterruptedException {
        try (RawEngine mortal = RawEngine.start("tiny");
                RawEngine other = RawEngine.start("tiny");
                GatewayRig rig = GatewayRig.setup()
                        .worker("mortal", mortal.url(), Role.UNIFIED)
                        .worker("other", other.url(), Role.UNIFIED)
                        .set("tandem.routing.prefill-policy", "round-robin")
                        .start()) {
            mortal.on((request, wire) -> wire.awaitPeerGone());
            other.on((request, wire) -> wire.json(200, TEXT));
            Queue<Answer> answers = new ConcurrentLinkedQueue<>();
            List<Thread> clients = IntStream.range(0, 8)
                    .mapToObj(client -> Thread.startVirtualThread(() -> answers.add(asked(rig, client))))
                    .toList();
            Poll.until("some wait for the mortal one", () -> mortal.received().size() == 4);
            mortal.down();
            for (Thread client : clients) {
                client.join();
            }
            assertThat(answers)
                    .hasSize(8)
                    .allSatisfy(answer -> assertThat(answer.text()).isEqualTo(TEXT));

            mortal.clear();
            for (int i = 0; i < 8; i++) {
                assertThat(asked(rig, i).text()).isEqualTo(TEXT);
            }
            Poll.until("out", () -> !status(rig, "mortal").state().serving());
            assertThat(asked(rig, 9).header("x-tandem-attempts")).isEqualTo("1");

            mortal.on((request, wire) -> wire.json(200, TEXT));
            mortal.up();
            Poll.until("back", () -> status(rig, "mortal").state().serving());
            while (mortal.received().isEmpty()) {
                assertThat(asked(rig, 10).header("x-tandem-attempts")).isEqualTo("1");
            }
            rig.assertNothingLeft();
        }
    }

    private static Answer asked(GatewayRig rig, int number) {
        try {
            return RawClient.post(rig.port(), PATH, "{\"model\":\"tiny\",\"prompt\":\"number " + number + "\"}");
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static String ask(String start) {
        return "{\"model\":\"tiny\",\"stream\":true,\"max_tokens\":8,\"prompt\":\"" + start + "word ".repeat(400)
                + "\"}";
    }

    private static String id(int i) {
        return i < OF_EACH_ROLE ? "p" + i : "d" + (i - OF_EACH_ROLE);
    }

    private static WorkerStatus status(GatewayRig rig, String id) {
        return rig.bean(Fleet.class).statuses().stream()
                .filter(status -> status.worker().id().equals(id))
                .findFirst()
                .orElseThrow();
    }
}
