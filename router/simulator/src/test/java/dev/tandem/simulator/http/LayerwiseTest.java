// SPDX-License-Identifier: Apache-2.0
package dev.tandem.simulator.http;

import static org.assertj.core.api.Assertions.assertThat;

import com.sun.net.httpserver.HttpServer;
import dev.tandem.simulator.ascend.LayerwiseConfig;
import dev.tandem.simulator.engine.EngineCounter;
import dev.tandem.simulator.http.RawClient.Response;
import dev.tandem.simulator.transfer.KvRole;
import dev.tandem.simulator.wire.Json;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ObjectNode;

/** Decode engines that call the router back, and prefill engines that write to them. */
class LayerwiseTest {
    private static final String PROMPT = "the quick brown fox jumps over the lazy dog and runs away ".repeat(6);
    private static final String OTHER = "the quick brown fox jumps over the lazy cat and runs away ".repeat(6);

    private final Dialogue router = new Dialogue();
    private final List<ObjectNode> callbacks = new CopyOnWriteArrayList<>();
    private volatile int status = 200;
    private HttpServer metaserver;

    private static EngineOptions with(EngineOptions options, KvRole role) {
        return options.withConnector(LayerwiseConfig.NAME, new LayerwiseConfig(role, "127.0.0.1", 0, null));
    }

    private static Pair pair(boolean strict) {
        EngineOptions options = EngineOptions.of("m", 0).withStrict(strict).withExitDelay(Duration.ofHours(1));
        return Pair.of(with(options, KvRole.PRODUCER), same -> with(same, KvRole.CONSUMER));
    }

    @BeforeEach
    void listen() throws IOException {
        metaserver = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
        metaserver.createContext("/v1/metaserver", exchange -> {
            callbacks.add(
                    (ObjectNode) Json.MAPPER.readTree(exchange.getRequestBody().readAllBytes()));
            if (status > 0) {
                exchange.sendResponseHeaders(status, -1);
            }
            exchange.close();
        });
        metaserver.start();
    }

    @AfterEach
    void hangUp() throws IOException {
        router.close();
        metaserver.stop(0);
    }

    private ObjectNode decodeLeg(String prompt) {
        return Pair.decodeLeg(
                prompt,
                Json.object()
                        .put("do_remote_decode", false)
                        .put("do_remote_prefill", true)
                        .put(
                                "metaserver",
                                "http://127.0.0.1:" + metaserver.getAddress().getPort() + "/v1/metaserver"));
    }

    private static ObjectNode prefillLeg(String prompt, JsonNode params) {
        ObjectNode body = Pair.request(prompt, 1).put("min_tokens", 1);
        body.set("kv_transfer_params", params);
        return body;
    }

    private ObjectNode callback(int number) {
        Waiting.until(() -> callbacks.size() >= number);
        return callbacks.get(number - 1);
    }

    @Test
    void theDecodeEngineCallsBackAndThePrefillEngineWrites() throws IOException {
        try (Pair pair = pair(true)) {
            int number = 0;
            for (String prompt : List.of(PROMPT, "short")) {
                RawClient decode = router.begin(pair.decode, decodeLeg(prompt), "r" + ++number);
                ObjectNode params = callback(number);
                assertThat(params.get("request_id").stringValue()).isEqualTo("cmpl-r" + number + "-0");
                assertThat(params.get("remote_engine_id").stringValue()).isEqualTo(pair.decode.engineId());
                assertThat(params.get("remote_port").asInt()).isEqualTo(pair.decode.sideChannelPort());
                Response prefill = router.ask(pair.prefill, prefillLeg(prompt, params), "r" + number);
                assertThat(prefill.status()).as(prefill.body()).isEqualTo(200);
                assertThat(Pair.text(decode.read())).isEqualTo(Pair.alone(prompt));
            }
            assertThat(pair.prefill.stats().kept()).isZero();
            assertThat(pair.decode.stats().count(EngineCounter.PROMPT_COMPUTED)).isZero();
            assertThat(pair.decode.facts()).containsEntry("kv_for_nobody", 0L);
        }
    }

    @Test
    void chatsHaveIdsOfTheirOwnKind() throws IOException {
        try (Pair pair = pair(true)) {
            ObjectNode chat = (ObjectNode)
                    Json.MAPPER.readTree("{\"messages\":[{\"role\":\"user\",\"content\":\"hello\"}],\"max_tokens\":4}");
            chat.set("kv_transfer_params", decodeLeg("").get("kv_transfer_params"));
            RawClient decode = router.begin(pair.decode, "/v1/chat/completions", chat, "r");
            ObjectNode params = callback(1);
            assertThat(params.get("request_id").stringValue()).isEqualTo("chatcmpl-r");
            ObjectNode first = chat.deepCopy().put("max_tokens", 1);
            first.set("kv_transfer_params", params);
            assertThat(router.begin(pair.prefill, "/v1/chat/completions", first, "r")
                            .read()
                            .status())
                    .isEqualTo(200);
            assertThat(decode.read().status()).isEqualTo(200);
        }
    }

    @Test
    void anErrorOfTheRouterIsIgnoredAndTheDecodeLegWaits() throws IOException {
        try (Pair pair = pair(true)) {
            status = 502;
            RawClient decode = router.begin(pair.decode, decodeLeg(PROMPT), "r");
            ObjectNode params = callback(1);
            pair.nanos.addAndGet(Duration.ofHours(1).toNanos());
            assertThat(pair.decode.stats().deferred()).isEqualTo(1);
            Dialogue.waits(decode);
            router.ask(pair.prefill, prefillLeg(PROMPT, params), "r");
            assertThat(Pair.text(decode.read())).isEqualTo(Pair.alone(PROMPT));
            assertThat(callbacks).hasSize(1);
        }
    }

    @Test
    void aCallWithoutAnyAnswerIsTriedThreeTimesAndTheDecodeLegWaits() throws IOException {
        try (Pair pair = pair(true)) {
            status = 0;
            RawClient decode = router.begin(pair.decode, decodeLeg(PROMPT), "r");
            ObjectNode params = callback(3);
            Dialogue.waits(decode);
            router.ask(pair.prefill, prefillLeg(PROMPT, params), "r");
            assertThat(Pair.text(decode.read())).isEqualTo(Pair.alone(PROMPT));
            assertThat(callbacks).hasSize(3);
        }
    }

    @Test
    void theCallbackMayComeTwiceOrForAnUnknownIdOrNever() throws IOException {
        try (Pair pair = pair(true)) {
            pair.decode.faults().add(Fault.of(Fault.Kind.CALLBACK_TWICE));
            router.begin(pair.decode, decodeLeg(PROMPT), "twice");
            assertThat(callback(2)).isEqualTo(callback(1));
            pair.decode.faults().add(Fault.of(Fault.Kind.CALLBACK_UNKNOWN));
            router.begin(pair.decode, decodeLeg(PROMPT), "unknown");
            callback(4);
            assertThat(callbacks.stream().map(body -> body.get("request_id").stringValue()))
                    .contains("cmpl-unknown-0", "cmpl-" + "0".repeat(32) + "-0");
            pair.decode.faults().add(Fault.of(Fault.Kind.CALLBACK_NEVER));
            router.begin(pair.decode, decodeLeg(PROMPT), "never");
            Waiting.until(() -> pair.decode.stats().deferred() == 3);
            assertThat(callbacks).hasSize(4);
        }
    }

    @Test
    void aDecodeLegThatIsLeftFreesItsBlocksAndLateKvIsForNobody() throws IOException {
        try (Pair pair = pair(true)) {
            RawClient decode = router.begin(pair.decode, decodeLeg(PROMPT), "r");
            ObjectNode params = callback(1);
            decode.close();
            Waiting.until(() -> pair.decode.stats().deferred() == 0);
            assertThat(pair.decode.stats().kvUsage()).isZero();
            router.ask(pair.prefill, prefillLeg(PROMPT, params), "r");
            assertThat(pair.decode.facts()).containsEntry("kv_for_nobody", 1L);
        }
    }

    @Test
    void aDecodeEngineThatHasGoneIsNoFailureOfThePrefillLeg() throws IOException {
        try (Pair pair = pair(true)) {
            router.begin(pair.decode, decodeLeg(PROMPT), "r");
            ObjectNode params = callback(1);
            pair.decode.crash();
            assertThat(router.ask(pair.prefill, prefillLeg(PROMPT, params), "r").status())
                    .isEqualTo(200);
            assertThat(pair.prefill.facts()).containsEntry("kv_not_written", 1L);
            assertThat(pair.prefill.stats().kept()).isZero();
        }
    }

    @Test
    void anotherPromptGivesAnotherText() throws IOException {
        try (Pair pair = pair(false)) {
            RawClient decode = router.begin(pair.decode, decodeLeg(PROMPT), "r");
            router.ask(pair.prefill, prefillLeg(OTHER, callback(1)), "r");
            assertThat(Pair.text(decode.read())).isNotEqualTo(Pair.alone(PROMPT));
        }
    }

    @Test
    void aDroppedRequestSaysThatItHasToBeComputedAgain() throws IOException {
        try (SimulatedEngine engine = SimulatedEngine.start(EngineOptions.of("m", 0))) {
            String whole = Pair.text(Pair.post(engine, Pair.PATH, Pair.request(PROMPT, 12)));
            engine.faults().add(Fault.of(Fault.Kind.RECOMPUTED).after(3).times(2));
            ObjectNode cut = Pair.json(Pair.post(engine, Pair.PATH, Pair.request(PROMPT, 12)));
            assertThat(cut.at("/choices/0/stop_reason").stringValue()).isEqualTo("recomputed");
            assertThat(cut.at("/choices/0/finish_reason").stringValue()).isEqualTo("stop");
            assertThat(cut.at("/usage/completion_tokens").asInt()).isEqualTo(3);
            assertThat(whole).startsWith(cut.at("/choices/0/text").stringValue());
            String streamed = Pair.post(
                            engine, Pair.PATH, Pair.request(PROMPT, 12).put("stream", true))
                    .body();
            assertThat(streamed.split("\n\n")).hasSize(5);
            assertThat(streamed).contains("\"stop_reason\":\"recomputed\"").endsWith("data: [DONE]\n\n");
        }
    }

    @Test
    void aStrictEngineRefusesWhatARouterNeverSends() throws IOException {
        try (Pair pair = pair(true)) {
            router.refuses(pair.decode, decodeLeg(PROMPT), "", "x-request-id: missing");
            router.refuses(pair.prefill, decodeLeg(PROMPT), "a", "kv_transfer_params.do_remote_prefill: true on a pre");
            ObjectNode noUrl = decodeLeg(PROMPT);
            ((ObjectNode) noUrl.get("kv_transfer_params")).remove("metaserver");
            router.refuses(pair.decode, noUrl, "a", "kv_transfer_params.metaserver: null");
            router.begin(pair.decode, decodeLeg(PROMPT), "r");
            ObjectNode params = callback(1);
            router.refuses(
                    pair.decode, prefillLeg(PROMPT, params), "r", "kv_transfer_params.do_remote_decode: true on");
            router.refuses(pair.prefill, prefillLeg(PROMPT, params).put("stream", true), "r", "stream: true");
            ObjectNode partial = params.deepCopy();
            partial.remove("remote_block_size");
            router.refuses(
                    pair.prefill, prefillLeg(PROMPT, partial), "r", "kv_transfer_params.remote_block_size: missing");
        }
    }
}
