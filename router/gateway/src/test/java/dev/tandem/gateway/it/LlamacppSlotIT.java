// SPDX-License-Identifier: Apache-2.0
package dev.tandem.gateway.it;

import static org.assertj.core.api.Assertions.assertThat;

import dev.tandem.core.fleet.Role;
import dev.tandem.gateway.it.RawEngine.Received;
import java.io.IOException;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.TestInstance.Lifecycle;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/** The hand-over of llama-server on the wire: save, restore, and slots that exist. */
@TestInstance(Lifecycle.PER_CLASS)
@Timeout(value = 90, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
final class LlamacppSlotIT {
    private static final int SLOTS = 2;
    private static final String PATH = "/v1/completions";
    private static final String ASK =
            "{\"model\":\"tiny\",\"n_predict\":9,\"prompt\":\"" + "long prompt ".repeat(200) + "\"}";
    private static final String TEXT = "{\"choices\":[],\"usage\":{\"prompt_tokens\":192}}";

    private RawEngine prefill;
    private RawEngine decode;
    private GatewayRig rig;

    @BeforeAll
    void start() throws IOException {
        prefill = RawEngine.start("tiny").slots(SLOTS);
        decode = RawEngine.start("tiny").slots(SLOTS);
        serve();
        rig = GatewayRig.setup()
                .worker("p1", prefill.url(), Role.PREFILL)
                .worker("d1", decode.url(), Role.DECODE)
                .set("tandem.disagg.connector", "auto")
                .set("tandem.health.failures-down", "1000000")
                .start();
        forget();
    }

    @AfterAll
    void stop() throws IOException {
        rig.close();
        prefill.close();
        decode.close();
    }

    @AfterEach
    void nothingIsLeft() {
        rig.assertNothingLeft();
        forget();
        serve();
    }

    /** It closes the connection behind a stream and does not say so; the next request must not be on its way on it. */
    @Test
    void aStreamHasAConnectionOfItsOwn() throws IOException {
        String stream = "data: {\"choices\":[]}\n\ndata: [DONE]\n\n";
        decode.on((request, wire) -> {
            if (request.path().equals(PATH)) {
                wire.stream();
                wire.chunk(stream);
                wire.end();
                wire.close();
            } else {
                wire.json(200, "{\"n_restored\":192}");
            }
        });
        for (int i = 0; i < 20; i++) {
            assertThat(RawClient.post(rig.port(), PATH, ASK.replace("{\"m", "{\"stream\":true,\"m"))
                            .text())
                    .isEqualTo(stream);
        }

        assertThat(decode.received())
                .hasSize(40)
                .allSatisfy(request -> assertThat(
                                request.head().header("connection").orElse("kept"))
                        .isEqualTo(request.path().equals(PATH) ? "close" : "kept"));
    }

    private void forget() {
        prefill.clear();
        decode.clear();
    }

    private void serve() {
        prefill.on((request, wire) -> wire.json(
                request.text().contains("../") ? 400 : 200,
                request.path().contains("save") ? "{\"n_saved\":192}" : TEXT));
        decode.on((request, wire) -> wire.json(
                request.text().contains("../") ? 400 : 200,
                request.path().contains("restore") ? "{\"n_restored\":192}" : TEXT));
    }

    private static JsonNode json(Received request) {
        return JsonMapper.shared().readTree(request.text());
    }

    private static List<String> paths(RawEngine engine) {
        return engine.received().stream().map(Received::path).toList();
    }

    private double handovers(String result) {
        return rig.metric("tandem_handovers_total", "connector=\"llamacpp-slot\"", "result=\"" + result + "\"");
    }

    @Test
    void prefillSavesAndDecodeRestoresBeforeItIsAsked() throws IOException {
        double before = handovers("taken");

        assertThat(RawClient.post(rig.port(), PATH, ASK).text()).isEqualTo(TEXT);

        assertThat(paths(prefill)).containsExactly(PATH, "/slots/0?action=save");
        assertThat(paths(decode)).containsExactly("/slots/0?action=restore", PATH);
        JsonNode asked = json(prefill.received().getFirst());
        assertThat(asked.path("id_slot").asInt(-1)).isZero();
        assertThat(asked.path("max_tokens").asInt()).isOne();
        assertThat(asked.has("n_predict")).isFalse();
        JsonNode answered = json(decode.received().getLast());
        assertThat(answered.path("id_slot").asInt(-1)).isZero();
        assertThat(answered.path("cache_prompt").asBoolean()).isTrue();
        assertThat(answered.path("n_predict").asInt()).isEqualTo(9);
        assertThat(json(prefill.received().getLast()))
                .isEqualTo(json(decode.received().getFirst()));
        assertThat(handovers("taken")).isEqualTo(before + 1);
    }

    @ParameterizedTest
    @ValueSource(strings = {"status", "nothing", "fewer", "garbage", "reset"})
    void aFailedRestoreLeavesThePromptToDecode(String fault) throws IOException {
        double before = handovers("failed");
        decode.on((request, wire) -> {
            if (!request.path().contains("restore")) {
                wire.json(200, TEXT);
                return;
            }
            switch (fault) {
                case "status" -> wire.json(400, "{\"error\":{}}");
                case "nothing" -> wire.json(200, "{\"n_restored\":0}");
                case "fewer" -> wire.json(200, "{\"n_restored\":191}");
                case "garbage" -> wire.json(200, "{{");
                default -> wire.reset();
            }
        });

        assertThat(RawClient.post(rig.port(), PATH, ASK).text()).isEqualTo(TEXT);

        assertThat(handovers("failed")).isEqualTo(before + 1);
    }

    @Test
    void aFailedSaveIsNotRestored() throws IOException {
        prefill.on((request, wire) ->
                wire.json(request.path().contains("save") ? 501 : 200, "{\"usage\":{\"prompt_tokens\":192}}"));

        assertThat(RawClient.post(rig.port(), PATH, ASK).text()).isEqualTo(TEXT);

        assertThat(paths(decode)).containsExactly(PATH);
    }

    @Test
    void slotsExistHoweverManyRequestsRun() throws Exception {
        int requests = 3 * SLOTS;
        CountDownLatch all = new CountDownLatch(requests);
        decode.on((request, wire) -> {
            if (request.path().contains("restore")) {
                wire.json(200, "{\"n_restored\":192}");
                return;
            }
            all.countDown();
            all.await();
            wire.json(200, TEXT);
        });

        try (ExecutorService clients = Executors.newVirtualThreadPerTaskExecutor()) {
            List<Future<String>> answers = IntStream.range(0, requests)
                    .mapToObj(i -> clients.submit(
                            () -> RawClient.post(rig.port(), PATH, ASK).text()))
                    .toList();
            for (Future<String> answer : answers) {
                assertThat(answer.get()).isEqualTo(TEXT);
            }
        }

        assertThat(decode.received())
                .filteredOn(request -> request.path().equals(PATH))
                .hasSize(requests)
                .allSatisfy(request ->
                        assertThat(json(request).path("id_slot").asInt(-1)).isBetween(0, SLOTS - 1));
        assertThat(paths(prefill)).allMatch(path -> path.equals(PATH) || path.matches("/slots/[01]\\?action=save"));
    }

    @Test
    void autoHasFoundTheSlots() throws IOException {
        assertThat(RawClient.get(rig.port(), "/healthz").text()).contains("\"connector\":\"llamacpp-slot\"");
    }
}
