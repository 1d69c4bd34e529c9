// SPDX-License-Identifier: Apache-2.0
package dev.tandem.gateway.it;

import static org.assertj.core.api.Assertions.assertThat;

import dev.tandem.core.fleet.Role;
import dev.tandem.gateway.it.RawClient.Answer;
import dev.tandem.gateway.it.RawEngine.Received;
import java.io.IOException;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;
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

/** The hand-over of vLLM's NixlConnector on the wire: what is carried, what is not, and what follows a failure. */
@TestInstance(Lifecycle.PER_CLASS)
@Timeout(value = 90, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
@SuppressWarnings("StringConcatToTextBlock") // HTTP and event streams are read best as they are on the wire
final class NixlIT {
    private static final String PATH = "/v1/completions";
    private static final String PARAMS = "kv_transfer_params";
    private static final String PROMPT = "\"model\":\"tiny\",\"prompt\":\"" + "long prompt ".repeat(200) + "\"";
    private static final String ASK = "{" + PROMPT + ",\"max_tokens\":1.60e1}";
    private static final String ASK_STREAM =
            "{\"stream\":true,\"stream_options\":{\"include_usage\":true}," + PROMPT + "}";
    private static final String TEXT = "{\"id\":\"cmpl-1\",\"choices\":[]}";
    private static final String STREAM = "data: {\"choices\":[]}\n\ndata: [DONE]\n\n";
    private static final String FAILED_STREAM =
            "data: {\"error\": {\"message\": \"Internal server error\", \"code\": 500}}\n\ndata: [DONE]\n\n";

    /** As vLLM 0.32.0 answers, with numbers and white space that a JSON library would write otherwise. */
    private static final String OFFER = "{\"do_remote_prefill\":true, \"do_remote_decode\":false,"
            + "\"remote_block_ids\":[[3,4],[7e0]],\"remote_engine_id\":\"193f87ea\",\"remote_request_id\":\"cmpl-1-0-9a\","
            + "\"remote_host\":\"127.0.0.1\",\"remote_port\":5600,\"tp_size\":1,\"some_new_key\":{\"ünï\":1.0}}";

    private RawEngine prefill;
    private RawEngine decode;
    private GatewayRig rig;

    @BeforeAll
    void start() throws IOException {
        prefill = RawEngine.start("tiny");
        decode = RawEngine.start("tiny");
        rig = GatewayRig.setup()
                .worker("p1", prefill.url(), Role.PREFILL)
                .worker("d1", decode.url(), Role.DECODE)
                .set("tandem.disagg.connector", "nixl")
                .set("tandem.engine.answer-silence", "5s")
                .set("tandem.health.failures-down", "1000000")
                .set("tandem.health.probes-up", "1")
                .start();
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
        rig.awaitWorkersUp();
        prefill.clear();
        decode.clear();
    }

    private void offers(String params) {
        prefill.on((request, wire) ->
                wire.json(200, "{\"id\":\"cmpl-0\",\"" + PARAMS + "\":" + params + ",\"usage\":{}}"));
    }

    private Answer ask(String body) throws IOException {
        return RawClient.post(rig.port(), PATH, body);
    }

    private double handovers(String result) {
        return rig.metric("tandem_handovers_total", "connector=\"nixl\"", "result=\"" + result + "\"");
    }

    private static JsonNode json(Received request) {
        return JsonMapper.shared().readTree(request.text());
    }

    @Test
    void theOfferIsCarriedAsItCame() throws IOException {
        double before = handovers("taken");
        offers(OFFER);
        decode.on((request, wire) -> wire.json(200, TEXT));

        Answer answer = ask(ASK);

        assertThat(answer.text()).isEqualTo(TEXT);
        assertThat(decode.received())
                .singleElement()
                .satisfies(request -> assertThat(request.text())
                        .isEqualTo(ASK.substring(0, ASK.length() - 1) + ",\"" + PARAMS + "\":" + OFFER + "}"));
        assertThat(handovers("taken")).isEqualTo(before + 1);
    }

    @Test
    void megabytesOfLogprobsOfThePromptPassFromPrefillToTheClient() throws IOException {
        String list = "[null" + ",{\"7\":{\"logprob\":-0.250,\"decoded_token\":\"ü]\\\"\"}}".repeat(40_000) + "]";
        prefill.on((request, wire) ->
                wire.json(200, withPrompt(list).replaceFirst("}$", ",\"" + PARAMS + "\":" + OFFER + "}")));
        decode.on((request, wire) -> wire.json(200, withPrompt("null")));

        Answer answer = ask("{" + PROMPT + ",\"prompt_logprobs\":0}");

        assertThat(answer.text()).isEqualTo(withPrompt(list));
        assertThat(answer.header("content-length")).isEqualTo(Integer.toString(answer.bytes().length));
        assertThat(json(prefill.received().getFirst()).path("prompt_logprobs").isInt())
                .isTrue();
        assertThat(decode.received())
                .singleElement()
                .satisfies(request ->
                        assertThat(request.text()).isEqualTo("{" + PROMPT + ",\"" + PARAMS + "\":" + OFFER + "}"));
    }

    private static String withPrompt(String logprobs) {
        return "{\"id\":\"cmpl-1\",\"choices\":[{\"text\":\"a\",\"prompt_logprobs\":" + logprobs + "}]}";
    }

    @Test
    void prefillComputesOneTokenAndStreamsNothing() throws IOException {
        offers(OFFER);
        decode.on((request, wire) -> {
            wire.stream();
            wire.chunk(STREAM);
            wire.end();
        });

        assertThat(ask(ASK_STREAM).text()).isEqualTo(STREAM);

        JsonNode asked = json(prefill.received().getFirst());
        assertThat(asked.path("stream").asBoolean(true)).isFalse();
        assertThat(asked.path("max_tokens").asInt()).isOne();
        assertThat(asked.has("stream_options")).isFalse();
        assertThat(asked.path(PARAMS).path("do_remote_decode").asBoolean()).isTrue();
        assertThat(asked.path(PARAMS).has("remote_block_ids")).isTrue();
        assertThat(json(decode.received().getFirst()).path("stream").asBoolean())
                .isTrue();
    }

    @Test
    void aClientsOwnParametersReachNoEngine() throws IOException {
        offers(OFFER);
        decode.on((request, wire) -> wire.json(200, TEXT));

        ask("{\"" + PARAMS + "\":{\"remote_host\":\"evil\"},\"ec_transfer_params\":{}," + PROMPT + "}");
        ask("{\"" + PARAMS + "\":{\"remote_host\":\"evil\"},\"model\":\"tiny\",\"prompt\":\"short\"}");

        assertThat(prefill.received())
                .hasSize(1)
                .noneMatch(request -> request.text().contains("evil"));
        assertThat(decode.received())
                .hasSize(2)
                .noneMatch(request -> request.text().contains("evil"));
        assertThat(json(decode.received().get(0)).path(PARAMS))
                .isEqualTo(JsonMapper.shared().readTree(OFFER));
        assertThat(json(decode.received().get(1)).has(PARAMS)).isFalse();
    }

    @Test
    void whatEnginesSayToEachOtherIsNotShown() throws IOException {
        offers(OFFER);
        decode.on((request, wire) -> wire.json(
                200, "{\"choices\":[{\"" + PARAMS + "\":{}}],\"" + PARAMS + "\":" + OFFER + ",\"metrics\":null}"));

        Answer answer = ask(ASK);

        assertThat(answer.text())
                .isEqualTo("{\"choices\":[{\"" + PARAMS + "\":{}}],\"" + PARAMS + "\":null,\"metrics\":null}");
        assertThat(answer.whole()).isTrue();
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "null",
                "\"text\"",
                "{}",
                "{\"do_remote_prefill\":true}",
                "{\"do_remote_prefill\":true,\"remote_engine_id\":\"e\",\"remote_block_ids\":[],\"remote_host\":\"h\","
                        + "\"remote_port\":1,\"remote_request_id\":\"r\"}",
                "{\"do_remote_prefill\":true,\"remote_engine_id\":\"e\",\"remote_block_ids\":[[1]],\"remote_host\":null,"
                        + "\"remote_port\":1,\"remote_request_id\":\"r\"}",
                "{\"do_remote_prefill\":true,\"remote_engine_id\":\"e\",\"remote_block_ids\":[[1]],\"remote_host\":\"h\","
                        + "\"remote_port\":1}"
            })
    void anIncompleteOfferIsNotCarriedAtAll(String params) throws IOException {
        double before = handovers("not_offered");
        offers(params);
        decode.on((request, wire) -> wire.json(200, TEXT));

        assertThat(ask(ASK).text()).isEqualTo(TEXT);

        assertThat(decode.received())
                .singleElement()
                .satisfies(request -> assertThat(request.text()).isEqualTo(ASK));
        assertThat(handovers("not_offered")).isEqualTo(before + 1);
    }

    @Test
    void aRejectionOfPrefillIsTheAnswer() throws IOException {
        prefill.on((request, wire) -> wire.json(400, "{\"error\":{\"message\":\"too long\"}}"));

        Answer answer = ask(ASK_STREAM);

        assertThat(answer.status()).isEqualTo(400);
        assertThat(answer.text()).contains("too long");
        assertThat(decode.received()).isEmpty();
    }

    @ParameterizedTest
    @ValueSource(strings = {"500", "503", "reset", "half", "silence"})
    void aFailingPrefillWorkerLeavesDecodeAlone(String fault) throws IOException {
        prefill.on((request, wire) -> {
            switch (fault) {
                case "reset" -> wire.reset();
                case "half" -> {
                    wire.write("HTTP/1.1 200 OK\r\ncontent-length: 99\r\n\r\n{\"a");
                    wire.close();
                }
                case "silence" -> wire.awaitPeerGone();
                default -> wire.json(Integer.parseInt(fault), "{}");
            }
        });
        decode.on((request, wire) -> wire.json(200, TEXT));

        Answer answer = ask(ASK);

        assertThat(answer.text()).isEqualTo(TEXT);
        assertThat(answer.header("x-tandem-attempts")).isEqualTo("2");
        assertThat(decode.received())
                .singleElement()
                .satisfies(request -> assertThat(request.text()).isEqualTo(ASK));
    }

    @Test
    void aDeadPrefillWorkerLeavesDecodeAlone() throws IOException {
        prefill.down();
        decode.on((request, wire) -> wire.json(200, TEXT));
        try {
            assertThat(ask(ASK).text()).isEqualTo(TEXT);
        } finally {
            prefill.up();
        }
    }

    @ParameterizedTest
    @ValueSource(booleans = {false, true})
    void whatDecodeCouldNotReadIsComputedAgainWithoutParameters(boolean streaming) throws IOException {
        double before = handovers("failed");
        offers(OFFER);
        decode.on((request, wire) -> {
            boolean carried = request.text().contains(PARAMS);
            if (!streaming) {
                wire.json(carried ? 500 : 200, carried ? "{\"error\":{}}" : TEXT);
                return;
            }
            wire.stream();
            String events = carried ? FAILED_STREAM : STREAM;
            wire.chunk(events.substring(0, 9));
            wire.chunk(events.substring(9));
            wire.end();
        });

        Answer answer = ask(streaming ? ASK_STREAM : ASK);

        assertThat(answer.status()).isEqualTo(200);
        assertThat(answer.text()).isEqualTo(streaming ? STREAM : TEXT);
        assertThat(prefill.received()).hasSize(1);
        assertThat(decode.received()).hasSize(2);
        assertThat(handovers("failed")).isEqualTo(before + 1);
    }

    @ParameterizedTest
    @ValueSource(booleans = {false, true})
    void aDecodeWorkerThatIsLostGetsNoParametersTwice(boolean afterHead) throws IOException {
        double before = handovers("abandoned");
        AtomicInteger offers = new AtomicInteger();
        prefill.on((request, wire) -> wire.json(
                200,
                request.text().contains("do_remote_decode")
                        ? "{\"" + PARAMS + "\":" + OFFER.replace("cmpl-1-0", "cmpl-" + offers.incrementAndGet()) + "}"
                        : TEXT));
        decode.on((request, wire) -> {
            if (afterHead) {
                wire.stream();
            }
            wire.reset();
        });

        Answer answer = ask(afterHead ? ASK_STREAM : ASK);

        assertThat(answer.text()).isEqualTo(TEXT);
        assertThat(answer.header("x-tandem-decode")).isEqualTo("p1");
        assertThat(decode.received()).hasSize(1);
        assertThat(prefill.received().getLast().text()).doesNotContain(PARAMS);
        assertThat(handovers("abandoned")).isEqualTo(before + 1);
    }

    @Test
    void aClientThatLeavesBetweenTheLegsIsCounted() throws IOException {
        double before = handovers("abandoned");
        offers(OFFER);
        decode.on((request, wire) -> wire.awaitPeerGone());

        try (RawClient client = RawClient.open(rig.port())) {
            client.send(PATH, ASK_STREAM);
            Poll.until(() -> "decode asked", () -> !decode.received().isEmpty());
        }

        Poll.until(() -> "decode cancelled", () -> decode.peersGone() == 1);
        Poll.until(() -> "abandoned: " + handovers("abandoned"), () -> handovers("abandoned") == before + 1);
    }

    @Test
    void requestsThatOneWorkerMustServeHaveNoPrefillLeg() throws IOException {
        decode.on((request, wire) -> wire.json(200, TEXT));
        for (String field :
                List.of("\"n\":2", "\"best_of\":3", "\"echo\":true,\"logprobs\":1", "\"prompt_logprobs\":-1")) {
            ask("{" + PROMPT + "," + field + "}");
        }
        ask("{\"model\":\"tiny\",\"prompt\":[\"" + "one ".repeat(400) + "\",\"two\"]}");

        assertThat(prefill.received()).isEmpty();
        assertThat(decode.received()).hasSize(5);
    }
}
