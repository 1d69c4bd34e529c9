// SPDX-License-Identifier: Apache-2.0
package dev.tandem.gateway.it;

import static org.assertj.core.api.Assertions.assertThat;

import dev.tandem.core.fleet.Fleet;
import dev.tandem.core.fleet.Role;
import dev.tandem.core.fleet.Worker;
import dev.tandem.gateway.handover.Packed;
import dev.tandem.gateway.handover.Registry;
import dev.tandem.gateway.handover.ZmqPeer;
import dev.tandem.gateway.it.RawClient.Answer;
import dev.tandem.simulator.http.EngineOptions;
import dev.tandem.simulator.http.SimulatedEngine;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.List;
import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import tools.jackson.databind.json.JsonMapper;

/**
 * A gateway without workers waits for engines that register, serves with them, while others come and go, too, and
 * forgets them when they neither ping nor pass their probes.
 */
@Timeout(value = 120, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
final class RegistrationIT {
    private static final int TIMES = 20;
    private static final int CLIENTS = 4;
    private static final String PATH = "/v1/completions";
    private static final String ASK = "{\"model\":\"tiny\",\"prompt\":\"hello\",\"max_tokens\":2}";

    private final Queue<String> bad = new ConcurrentLinkedQueue<>();
    private final AtomicInteger good = new AtomicInteger();
    private final SimulatedEngine prefill = SimulatedEngine.start(EngineOptions.of("tiny", 0));
    private final SimulatedEngine decode = SimulatedEngine.start(EngineOptions.of("tiny", 0));
    private final GatewayRig rig = GatewayRig.setup()
            .set("tandem.handover.registry.enabled", "true")
            .set("tandem.handover.registry.port", "0")
            .start();

    @AfterEach
    void stop() {
        rig.assertNothingLeft();
        List.of(prefill, decode).forEach(SimulatedEngine::close);
        rig.close();
    }

    @Test
    void servesWithWhoRegistersAndOnlyAsLongAsItIsWell() throws IOException {
        Answer nobody = RawClient.post(rig.port(), PATH, ASK);
        assertThat(nobody.status()).isEqualTo(503);
        assertThat(JsonMapper.shared()
                        .readTree(nobody.text())
                        .path("error")
                        .path("code")
                        .asString())
                .isEqualTo("no_worker");

        try (ZmqPeer engines = dealer();
                ScheduledExecutorService clock = Executors.newSingleThreadScheduledExecutor()) {
            var unused = clock.scheduleWithFixedDelay(() -> ping(engines), 0, 500, TimeUnit.MILLISECONDS);
            Poll.until("two engines", () -> rig.bean(Fleet.class).workers().size() == 2);
            rig.awaitWorkersUp();

            assertThat(rig.bean(Fleet.class).workers())
                    .extracting(Worker::id)
                    .containsExactly("decode-127-0-0-1-" + decode.port(), "prefill-127-0-0-1-" + prefill.port());
            assertThat(RawClient.post(rig.port(), PATH, ASK).status()).isEqualTo(200);
            assertThat(rig.metric("tandem_registered_engines")).isEqualTo(2);
            assertThat(rig.metric("tandem_engine_messages_total", "registration", "accepted"))
                    .isGreaterThanOrEqualTo(2);
            clock.shutdownNow();
        }

        decode.close();
        Poll.until(
                "who is gone is forgotten",
                () -> rig.bean(Fleet.class).workers().size() == 1);
        assertThat(rig.bean(Fleet.class).workers())
                .as("who is well stays, though both have stopped to ping at one time")
                .extracting(Worker::role)
                .containsExactly(Role.PREFILL);
        assertThat(RawClient.post(rig.port(), PATH, ASK).status()).isEqualTo(200);
        assertThat(rig.metric("tandem_registered_engines")).isEqualTo(1);
    }

    @Test
    void nobodyNoticesThatAnEngineComesAndGoes() throws Exception {
        Fleet fleet = rig.bean(Fleet.class);
        pingOnce();
        Poll.until("two engines", () -> fleet.workers().size() == 2);
        rig.awaitWorkersUp();
        List<Worker> both = fleet.workers();
        AtomicBoolean over = new AtomicBoolean();
        List<Thread> clients = IntStream.range(0, CLIENTS)
                .mapToObj(client -> Thread.startVirtualThread(() -> askUntil(over, client)))
                .toList();
        for (int i = 0; i < TIMES; i++) {
            fleet.replace(both.subList(0, 1));
            awaitGoodOnes();
            fleet.replace(both);
            pingOnce();
            if (i % 2 == 0) { // the others go before they have passed a probe
                rig.awaitWorkersUp();
            }
            awaitGoodOnes();
        }
        over.set(true);
        for (Thread client : clients) {
            client.join();
        }

        assertThat(bad).as("besides %s good ones", good).isEmpty();
        assertThat(prefill.journal().requests(PATH))
                .as("requests of the engine that comes and goes")
                .isNotEmpty();
    }

    /** Some that were asked before what was done last have been answered, and one that was asked behind it. */
    private void awaitGoodOnes() {
        int before = good.get();
        Poll.until(() -> "load goes on, good=" + good + " bad=" + bad, () -> good.get() > before + CLIENTS);
    }

    private void askUntil(AtomicBoolean over, int client) {
        for (int number = 0; !over.get(); number++) {
            String prompt = (client + "-" + number + " hello ").repeat(200);
            try {
                Answer answer = RawClient.post(rig.port(), PATH, ASK.replace("hello", prompt));
                if (answer.status() == 200) {
                    good.incrementAndGet();
                } else {
                    bad.add(answer.toString());
                }
            } catch (IOException e) {
                bad.add(e.toString());
            }
        }
    }

    /** Connects, pings and leaves: from then on nobody says that an engine is there. */
    private void pingOnce() throws IOException {
        try (ZmqPeer engines = dealer()) {
            ping(engines);
        }
    }

    private ZmqPeer dealer() throws IOException {
        return ZmqPeer.dealer(rig.bean(Registry.class).port());
    }

    private void ping(ZmqPeer engines) {
        try {
            engines.send(ping("P", prefill, 21_001)).send(ping("D", decode, 22_001));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static byte[] ping(String type, SimulatedEngine engine, int kvPort) {
        return Packed.map(
                "type", type,
                "http_address", "127.0.0.1:" + engine.port(),
                "zmq_address", "127.0.0.1:" + kvPort);
    }
}
