// SPDX-License-Identifier: Apache-2.0
package dev.tandem.simulator.http;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.tandem.simulator.engine.EngineCounter;
import dev.tandem.simulator.http.RawClient.Response;
import dev.tandem.simulator.sglang.SglangConfig;
import dev.tandem.simulator.sglang.SglangConfig.Mode;
import dev.tandem.simulator.wire.Json;
import java.io.IOException;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import tools.jackson.databind.node.ObjectNode;

/** Pairs of engines that behave as SGLang servers. */
class SglangTest {
    private static final String PROMPT = "the quick brown fox jumps over the lazy dog and runs away ".repeat(6);
    private static final String OTHER = "the quick brown fox jumps over the lazy cat and runs away ".repeat(6);
    private static final long ROOM = Long.MAX_VALUE - 7;

    private final Dialogue router = new Dialogue();

    private static EngineOptions with(EngineOptions options, Mode mode) {
        SglangConfig config = SglangConfig.of(mode).withBootstrap("127.0.0.1", 0);
        return options.withConnector(SglangConfig.NAME, config);
    }

    private static Pair pair(boolean strict) {
        EngineOptions options = EngineOptions.of("m", 0).withStrict(strict);
        return Pair.of(with(options, Mode.PREFILL), same -> with(same, Mode.DECODE));
    }

    private static ObjectNode leg(Pair pair, String prompt, long room) {
        return Pair.request(prompt, 12)
                .put("bootstrap_host", "127.0.0.1")
                .put("bootstrap_port", pair.prefill.sideChannelPort())
                .put("bootstrap_room", room);
    }

    @AfterEach
    void hangUp() throws IOException {
        router.close();
    }

    @Test
    void bothLegsGetTheSameBodyAndTheDecodeEngineAnswers() throws IOException {
        try (Pair pair = pair(true)) {
            long room = ROOM;
            for (String prompt : List.of(PROMPT, "short")) {
                RawClient prefill = router.begin(pair.prefill, leg(pair, prompt, room), "");
                Response decode = router.ask(pair.decode, leg(pair, prompt, room), "");
                assertThat(Pair.text(decode)).isEqualTo(Pair.alone(prompt));
                Response drained = prefill.read();
                assertThat(drained.status()).isEqualTo(200);
                assertThat(Pair.json(drained).at("/usage/completion_tokens").asInt())
                        .isEqualTo(1);
                room--;
            }
            Waiting.until(() -> pair.prefill.stats().kept() == 0);
            assertThat(pair.decode.stats().count(EngineCounter.PROMPT_COMPUTED)).isZero();
        }
    }

    @Test
    void streamsAndDecodeLegsThatComeFirstMeetToo() throws IOException {
        try (Pair pair = pair(true)) {
            ObjectNode body = leg(pair, PROMPT, ROOM).put("stream", true);
            RawClient decode = router.begin(pair.decode, body, "");
            Dialogue.untilRegistered(pair.prefill);
            assertThat(router.ask(pair.prefill, body, "").body()).endsWith("data: [DONE]\n\n");
            assertThat(decode.read().body()).endsWith("data: [DONE]\n\n");
        }
    }

    @Test
    void aPromptListHasARoomForEachPrompt() throws IOException {
        try (Pair pair = pair(true)) {
            ObjectNode body = Pair.request("", 5);
            body.putArray("prompt").add(PROMPT).add(OTHER);
            body.putArray("bootstrap_host").add("127.0.0.1").add("127.0.0.1");
            int port = pair.prefill.sideChannelPort();
            body.putArray("bootstrap_port").add(port).add(port);
            body.putArray("bootstrap_room").add(3).add(5);
            router.begin(pair.prefill, body, "");
            Response decode = router.ask(pair.decode, body, "");
            assertThat(decode.status()).as(decode.body()).isEqualTo(200);
            assertThat(Pair.json(decode).get("choices").size()).isEqualTo(2);
            ObjectNode one = body.deepCopy();
            one.putArray("bootstrap_room").add(7);
            router.refuses(pair.decode, one, "", "bootstrap_room: 1 rooms");
        }
    }

    @Test
    void aPrefillLegWhoseDecodeLegDoesNotComeFailsAfterFiveMinutes() throws IOException {
        try (Pair pair = pair(true)) {
            RawClient prefill = router.begin(pair.prefill, leg(pair, PROMPT, ROOM), "");
            Waiting.until(() -> pair.prefill.stats().deferred() == 1);
            pair.nanos.addAndGet(Duration.ofSeconds(299).toNanos());
            assertThat(pair.prefill.stats().deferred()).isEqualTo(1);
            Dialogue.waits(prefill);
            pair.nanos.addAndGet(Duration.ofSeconds(2).toNanos());
            Waiting.until(() -> pair.prefill.stats().deferred() == 0);
            assertThat(prefill.read().status()).isEqualTo(500);
            assertThat(pair.prefill.stats().kvUsage()).isZero();
        }
    }

    @Test
    void aDecodeLegWhosePrefillLegDoesNotComeFailsAfterFiveMinutes() throws IOException {
        try (Pair pair = pair(true)) {
            RawClient decode = router.begin(pair.decode, leg(pair, PROMPT, ROOM), "");
            Dialogue.untilRegistered(pair.prefill);
            pair.nanos.addAndGet(Duration.ofSeconds(299).toNanos());
            Waiting.until(() -> pair.decode.stats().deferred() == 1);
            pair.nanos.addAndGet(Duration.ofSeconds(2).toNanos());
            Waiting.until(() -> pair.decode.stats().deferred() == 0);
            Response failed = decode.read();
            assertThat(failed.status()).isEqualTo(500);
            assertThat(Pair.json(failed).get("object").stringValue()).isEqualTo("error");
        }
    }

    @Test
    void aPrefillEngineThatDiesOrIsUnknownFailsTheDecodeLeg() throws IOException {
        try (Pair pair = pair(true)) {
            RawClient decode = router.begin(pair.decode, leg(pair, PROMPT, ROOM), "");
            Dialogue.untilRegistered(pair.prefill);
            ObjectNode late = leg(pair, PROMPT, 4);
            pair.prefill.crash();
            assertThat(decode.read().status()).isEqualTo(500);
            assertThat(router.ask(pair.decode, late, "").status()).isEqualTo(500);
        }
    }

    @Test
    void anotherPromptInTheSameRoomGivesAnotherText() throws IOException {
        try (Pair pair = pair(false)) {
            router.begin(pair.prefill, leg(pair, OTHER, ROOM), "");
            Response decode = router.ask(pair.decode, leg(pair, PROMPT, ROOM), "");
            assertThat(decode.status()).isEqualTo(200);
            assertThat(Pair.text(decode)).isNotEqualTo(Pair.alone(PROMPT));
        }
    }

    @Test
    void aRequestWithoutARoomIsRefusedByADisaggregatedEngine() throws IOException {
        try (Pair pair = pair(false)) {
            for (SimulatedEngine engine : List.of(pair.prefill, pair.decode)) {
                Response refused = router.ask(engine, Pair.request(PROMPT, 3), "");
                assertThat(refused.status()).isEqualTo(400);
                assertThat(Pair.json(refused).get("message").stringValue()).contains("without bootstrap room id");
            }
        }
    }

    @Test
    void aStrictEngineRefusesWhatARouterNeverSends() throws IOException {
        try (Pair pair = pair(true)) {
            router.refuses(pair.decode, Pair.request(PROMPT, 3), "", "bootstrap_room: missing");
            router.refuses(pair.decode, leg(pair, PROMPT, -1), "", "bootstrap_room: -1");
            ObjectNode noHost = leg(pair, PROMPT, ROOM);
            noHost.remove("bootstrap_host");
            router.refuses(pair.decode, noHost, "", "bootstrap_host: ");
            RawClient prefill = router.begin(pair.prefill, leg(pair, PROMPT, ROOM), "");
            Waiting.until(() -> pair.prefill.stats().deferred() == 1);
            router.refuses(
                    pair.decode,
                    leg(pair, PROMPT, ROOM).put("max_tokens", 3),
                    "",
                    "bootstrap_room: used on a prefill leg with another request");
            assertThat(router.ask(pair.decode, leg(pair, PROMPT, ROOM), "").status())
                    .isEqualTo(200);
            assertThat(prefill.read().status()).isEqualTo(200);
            router.refuses(pair.decode, leg(pair, PROMPT, ROOM), "", "bootstrap_room: used before on a decode");
            router.refuses(pair.prefill, leg(pair, PROMPT, ROOM), "", "bootstrap_room: used before on a prefill");
        }
    }

    @Test
    void ranksMayDifferBetweenTheLegs() throws IOException {
        try (Pair pair = pair(true)) {
            router.begin(pair.prefill, leg(pair, PROMPT, ROOM).put("routed_dp_rank", 1), "");
            Waiting.until(() -> pair.prefill.stats().deferred() == 1);
            ObjectNode decode = leg(pair, PROMPT, ROOM).put("disagg_prefill_dp_rank", 1);
            assertThat(router.ask(pair.decode, decode, "").status()).isEqualTo(200);
        }
    }

    @Test
    void aClientThatLeavesTheDecodeLegFreesThePrefillLeg() throws IOException {
        try (Pair pair = pair(true)) {
            RawClient decode = router.begin(pair.decode, leg(pair, PROMPT, ROOM), "");
            Dialogue.untilRegistered(pair.prefill);
            decode.close();
            Waiting.until(() -> pair.decode.stats().deferred() == 0);
            Waiting.until(() -> pair.prefill.facts().getOrDefault("decode_legs_waiting", 1L) == 0);
            assertThat(router.ask(pair.prefill, leg(pair, PROMPT, ROOM), "").status())
                    .isEqualTo(200);
            Waiting.until(() -> pair.prefill.stats().kept() == 0);
        }
    }

    @Test
    void theServerSaysWhatItIs() throws IOException {
        try (Pair pair = pair(true);
                RawClient client = new RawClient(pair.prefill.port())) {
            for (String path : List.of("/server_info", "/model_info", "/health", "/health_generate")) {
                Response answer = client.send("GET " + path + " HTTP/1.1\r\nHost: x\r\n\r\n")
                        .read();
                assertThat(answer.status()).as(path).isEqualTo(200);
                if (path.equals("/server_info")) {
                    ObjectNode info = Pair.json(answer);
                    assertThat(info.get("disaggregation_mode").stringValue()).isEqualTo("prefill");
                    assertThat(info.get("disaggregation_bootstrap_port").asInt())
                            .isEqualTo(pair.prefill.sideChannelPort());
                }
            }
        }
    }

    @Test
    void aStreamedChatTellsNoTokenIds() throws IOException {
        try (SimulatedEngine engine = SimulatedEngine.start(with(EngineOptions.of("m", 0), Mode.NULL))) {
            ObjectNode ask = Json.object().put("return_token_ids", true).put("max_tokens", 2);
            ask.putArray("messages").addObject().put("role", "user").put("content", "hello");
            assertThat(Pair.post(engine, "/v1/chat/completions", ask).status()).isEqualTo(200);

            Response refused = Pair.post(engine, "/v1/chat/completions", ask.put("stream", true));
            assertThat(refused.status()).isEqualTo(400);
            assertThat(refused.body()).contains("return_token_ids is not supported with streaming");
            ObjectNode completion =
                    Pair.request("hello", 2).put("return_token_ids", true).put("stream", true);
            assertThat(Pair.post(engine, Pair.PATH, completion).body()).contains("\"prompt_token_ids\":[");
        }
    }

    @Test
    void theCommandLineIsSglangs() {
        EngineOptions options = EngineOptions.parse(
                "m",
                "--sim-engine",
                "sglang",
                "--disaggregation-mode",
                "decode",
                "--disaggregation-bootstrap-port",
                "9");
        assertThat(options.withEnvironment(Map.of("SGLANG_DISAGGREGATION_WAITING_TIMEOUT", "5"))
                        .transfer())
                .extracting(KvTransfer::config)
                .isEqualTo(SglangConfig.of(Mode.DECODE)
                        .withBootstrap("0.0.0.0", 9)
                        .withTimes(Duration.ofMinutes(5), Duration.ofSeconds(5)));
        assertThatThrownBy(() -> EngineOptions.parse("m", "--disaggregation-mode", "both"))
                .isInstanceOf(UsageException.class)
                .hasMessageContaining("null, prefill or decode");
    }
}
