// SPDX-License-Identifier: Apache-2.0
package dev.tandem.gateway.it;

import static org.assertj.core.api.Assertions.assertThat;

import dev.tandem.core.fleet.EngineLoads;
import dev.tandem.core.fleet.Role;
import dev.tandem.gateway.admission.WaitingRoom;
import dev.tandem.gateway.it.RawClient.Answer;
import dev.tandem.simulator.engine.Speed;
import dev.tandem.simulator.http.EngineOptions;
import dev.tandem.simulator.http.SeenRequest;
import dev.tandem.simulator.http.SimulatedEngine;
import java.io.IOException;
import java.net.URI;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.Semaphore;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/** Engines that say that they have enough get no more; what is meant for them waits in the gateway. */
@Timeout(value = 120, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
final class SaturationIT {
    private static final String PATH = "/v1/completions";
    private static final int SEATS = 2;
    private static final int QUEUE = 3;

    private final ExecutorService clients = Executors.newVirtualThreadPerTaskExecutor();

    @AfterEach
    void stop() {
        clients.close();
    }

    private static GatewayRig.Setup setup(URI engine) {
        return GatewayRig.setup()
                .worker("u1", engine, Role.UNIFIED)
                .set("tandem.admission.saturation.enabled", "true")
                .set("tandem.admission.saturation.interval", "100ms")
                .set("tandem.admission.saturation.queue", Integer.toString(QUEUE))
                .set("tandem.admission.saturation.max-age", "60s")
                .set("tandem.admission.max-wait", "100s")
                .set("tandem.admission.tenant-headers", "x-tenant-id")
                .set("tandem.admission.priority-header", "x-priority");
    }

    private static SimulatedEngine engine() {
        return SimulatedEngine.start(EngineOptions.of("tiny", 0)
                .withSpeed(Speed.LIVELY)
                .withStrict(true)
                .withBatch(SEATS, 8_192));
    }

    /** Takes all seats of an engine and fills its queue. */
    private static List<RawClient> occupy(GatewayRig rig) throws IOException {
        List<RawClient> open = new ArrayList<>();
        for (int i = 0; i < SEATS + QUEUE; i++) {
            open.add(RawClient.open(rig.port()).send(PATH, ask("long" + i, 4_000)));
        }
        EngineLoads loads = rig.bean(EngineLoads.class);
        Poll.until("saturated", () -> loads.saturated().contains("u1"));
        return open;
    }

    private static void leave(List<RawClient> open) throws IOException {
        for (RawClient client : open) {
            client.close();
        }
    }

    private static String ask(String prompt, int tokens) {
        return "{\"model\":\"tiny\",\"ignore_eos\":true,\"stream\":" + (tokens > 100) + ",\"max_tokens\":" + tokens
                + ",\"prompt\":\"" + prompt + "\"}";
    }

    /** Sends a request and returns when it waits in the gateway. */
    private Future<Answer> held(GatewayRig rig, String prompt, String... headers) {
        WaitingRoom room = rig.bean(WaitingRoom.class);
        int before = room.queued();
        Future<Answer> answer = clients.submit(() -> RawClient.post(rig.port(), PATH, ask(prompt, 20), headers));
        Poll.until(() -> prompt + " waits", () -> room.queued() == before + 1);
        return answer;
    }

    @Test
    void theQueueIsInTheGatewayAndNotInTheEngine() throws Exception {
        int many = 40;
        SimulatedEngine engine = engine();
        try (GatewayRig rig = setup(engine.baseUrl()).start();
                engine) {
            List<RawClient> open = occupy(rig);
            List<Future<Answer>> asked = new ArrayList<>();
            for (int i = 0; i < many; i++) {
                asked.add(held(rig, "short" + i));
            }
            assertThat(engine.stats().running()).isEqualTo(SEATS);
            assertThat(engine.stats().waiting()).isEqualTo(QUEUE);
            assertThat(rig.metric("tandem_waiting")).isEqualTo(many);
            assertThat(rig.metric("tandem_held_back_total")).isEqualTo(many);
            assertThat(rig.metric("tandem_saturated_workers")).isEqualTo(1);

            leave(open);
            AtomicInteger most = new AtomicInteger();
            WaitingRoom room = rig.bean(WaitingRoom.class);
            Poll.until("nobody waits", () -> {
                most.accumulateAndGet(engine.stats().waiting(), Math::max);
                return room.queued() == 0;
            });
            for (Future<Answer> answer : asked) {
                assertThat(answer.get().status()).as("%s", answer.get()).isEqualTo(200);
            }
            assertThat(most.get())
                    .as("on their way when the engine was asked: a few")
                    .isLessThan(many / 2);
            assertThat(engine.journal().violations()).isEmpty();
            rig.assertNothingLeft();
        }
    }

    @Test
    void whoeverIsMoreUrgentOrHasLessGoesFirst() throws Exception {
        SimulatedEngine engine = engine();
        try (GatewayRig rig = setup(engine.baseUrl()).start();
                engine) {
            List<RawClient> open = occupy(rig);
            List<Future<Answer>> asked = new ArrayList<>();
            for (int i = 0; i < 30; i++) {
                asked.add(held(rig, "flood" + i, "x-tenant-id: flood"));
            }
            asked.add(held(rig, "other", "x-tenant-id: other"));
            asked.add(held(rig, "urgent", "x-tenant-id: flood", "x-priority: high"));
            leave(open);
            for (Future<Answer> answer : asked) {
                assertThat(answer.get().status()).as("%s", answer.get()).isEqualTo(200);
            }

            List<String> order = engine.journal().requests(PATH).stream()
                    .map(SeenRequest::bodyText)
                    .filter(body -> !body.contains("long"))
                    .map(body -> body.replaceAll(".*\"prompt\":\"(.*)\".*", "$1"))
                    .toList();
            assertThat(order).hasSize(32);
            // Those that are called together come on connections of their own, in any order.
            assertThat(order.subList(0, SEATS + QUEUE)).contains("urgent");
            assertThat(order.subList(0, SEATS + QUEUE + 3)).contains("other");
            rig.assertNothingLeft();
        }
    }

    @Test
    void anEngineThatShowsNoLoadGetsWhatThereIs() throws Exception {
        Semaphore goOn = new Semaphore(0);
        try (RawEngine engine = RawEngine.start("tiny");
                GatewayRig rig = setup(engine.url()).start()) {
            engine.on((request, wire) -> {
                goOn.acquire();
                wire.json(200, "{\"choices\":[]}");
            });
            List<Future<Answer>> asked = new ArrayList<>();
            for (int i = 0; i < 20; i++) {
                String ask = ask("x" + i, 20);
                asked.add(clients.submit(() -> RawClient.post(rig.port(), PATH, ask)));
            }
            Poll.until("all have come", () -> engine.received().size() == 20);
            goOn.release(20);
            for (Future<Answer> answer : asked) {
                assertThat(answer.get().status()).isEqualTo(200);
            }
            assertThat(rig.metric("tandem_held_back_total")).isZero();
            rig.assertNothingLeft();
        }
    }

    @Test
    void whatAnEngineSaidLongAgoHoldsNobodyBack() throws Exception {
        try (RawEngine engine = RawEngine.start("tiny").metrics(load(2, 9));
                GatewayRig rig = setup(engine.url())
                        .set("tandem.admission.saturation.max-age", "5s")
                        .start()) {
            EngineLoads loads = rig.bean(EngineLoads.class);
            Poll.until("saturated", () -> !loads.saturated().isEmpty());
            Future<Answer> held = held(rig, "x");
            assertThat(engine.received()).isEmpty();

            engine.metrics("");
            assertThat(held.get().status()).isEqualTo(200);
            assertThat(rig.metric("tandem_held_back_total")).isEqualTo(1);
            rig.assertNothingLeft();
        }
    }

    @Test
    void whoWaitsInVainLearnsWhenToAskAgain() throws Exception {
        try (RawEngine engine = RawEngine.start("tiny").metrics(load(2, 9));
                GatewayRig rig = setup(engine.url())
                        .set("tandem.admission.max-waiting", "1")
                        .set("tandem.admission.max-wait", "2s")
                        .start()) {
            EngineLoads loads = rig.bean(EngineLoads.class);
            Poll.until("saturated", () -> !loads.saturated().isEmpty());
            Future<Answer> held = clients.submit(() -> RawClient.post(rig.port(), PATH, ask("x", 20)));
            refused(RawClient.post(rig.port(), PATH, ask("y", 20)));
            refused(held.get());
            assertThat(engine.received()).isEmpty();
            rig.assertNothingLeft();
        }
    }

    private static void refused(Answer answer) {
        assertThat(answer.status()).as(answer.toString()).isEqualTo(503);
        assertThat(answer.header("retry-after")).isEqualTo("1");
        JsonNode error = JsonMapper.shared().readTree(answer.text()).path("error");
        assertThat(error.path("code").asString("")).isEqualTo("overloaded");
        assertThat(error.path("type").asString("")).isEqualTo("server_error");
        assertThat(error.has("param")).isTrue();
        assertThat(error.path("message").asString("")).isNotEmpty();
    }

    private static String load(int running, int waiting) {
        return "vllm:num_requests_running{engine=\"0\",model_name=\"tiny\"} " + running
                + "\nvllm:num_requests_waiting{engine=\"0\",model_name=\"tiny\"} " + waiting + "\n";
    }
}
