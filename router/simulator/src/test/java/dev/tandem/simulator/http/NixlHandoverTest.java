// SPDX-License-Identifier: Apache-2.0
package dev.tandem.simulator.http;

import static org.assertj.core.api.Assertions.assertThat;

import dev.tandem.simulator.engine.EngineCounter;
import dev.tandem.simulator.engine.Finish;
import dev.tandem.simulator.http.Fault.Kind;
import dev.tandem.simulator.http.RawClient.Response;
import dev.tandem.simulator.wire.Json;
import java.io.IOException;
import java.net.ServerSocket;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.List;
import org.junit.jupiter.api.Test;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ObjectNode;

/** What vLLM 0.32 does with the NIXL connector, good and bad, as recorded on 2026-11-21. */
class NixlHandoverTest {
    private static final String PROMPT = "the quick brown fox jumps over the lazy dog and runs away ".repeat(6);
    private static final String OTHER = "the quick brown fox jumps over the lazy cat and runs away ".repeat(6);
    private static final String INTERNAL =
            "{\"error\":{\"message\":\"Internal server error\",\"type\":\"InternalServerError\",\"param\":null,\"code\":500}}";

    private static int cached(Response response) {
        return Pair.json(response)
                .at("/usage/prompt_tokens_details/cached_tokens")
                .asInt(-1);
    }

    private static int promptTokens(Response response) {
        return Pair.json(response).at("/usage/prompt_tokens").asInt();
    }

    @Test
    void theDecodeEngineSaysWhatOneEngineAloneWouldSay() throws IOException {
        try (Pair pair = Pair.faithful()) {
            for (String prompt : List.of(PROMPT, "short", "one two three four five six seven ".repeat(40))) {
                Response decoded = pair.decode(prompt, pair.params(prompt));
                assertThat(Pair.text(decoded)).isEqualTo(Pair.alone(prompt));
                assertThat(cached(decoded)).isZero();
            }
            assertThat(pair.decode.stats().count(EngineCounter.PROMPT_COMPUTED)).isZero();
        }
    }

    @Test
    void whatHappensToConnectionsBetweenTheEnginesFailsDecode() throws IOException {
        try (Pair pair = Pair.strict()) {
            for (Kind kind : List.of(Kind.CRASH, Kind.RESET, Kind.GARBAGE, Kind.STATUS)) {
                JsonNode params = pair.params(PROMPT);
                pair.prefill.faults().add(Fault.of(kind).on(Fault.KV).times(0));
                assertThat(pair.decode(PROMPT, params).status()).as("%s", kind).isEqualTo(500);
                pair.prefill.faults().clear();
            }
            assertThat(pair.decode(PROMPT, pair.params(PROMPT)).status()).isEqualTo(200);
        }
    }

    @Test
    void anAnswerMayLackItsParametersOrTheirMembers() throws IOException {
        try (Pair pair = Pair.strict()) {
            pair.prefill.faults().add(Fault.of(Kind.EMPTY_PARAMS));
            assertThat(pair.params(PROMPT).path("remote_engine_id").isNull()).isTrue();
            pair.prefill.faults().add(Fault.of(Kind.NO_PARAMS));
            assertThat(pair.params(PROMPT)).isNull();
        }
    }

    @Test
    void everyLengthOfPromptIsHandedOver() throws IOException {
        try (Pair pair = Pair.strict()) {
            for (int words : new int[] {1, 2, 15, 16, 17, 31, 32, 33}) {
                String prompt = " hello".repeat(words);
                ObjectNode whole = Pair.request(prompt, 12);
                Response decoded = pair.decode(prompt, pair.params(prompt));
                assertThat(Pair.text(decoded))
                        .as("%d words", words)
                        .isEqualTo(Pair.text(Pair.post(pair.prefill, Pair.PATH, whole)));
            }
            assertThat(pair.decode.journal().violations()).isEmpty();
        }
    }

    @Test
    void chatAndStreamsAreHandedOver() throws IOException {
        try (Pair pair = Pair.strict()) {
            String chat = "{\"messages\":[{\"role\":\"user\",\"content\":\"" + PROMPT + "\"}],\"max_tokens\":%d}";
            ObjectNode first = (ObjectNode) Json.MAPPER.readTree(chat.formatted(1));
            first.set("kv_transfer_params", Pair.asking());
            JsonNode params = Pair.json(Pair.post(pair.prefill, "/v1/chat/completions", first))
                    .get("kv_transfer_params");
            assertThat(params.get("remote_request_id").stringValue()).startsWith("chatcmpl-");
            ObjectNode second = (ObjectNode) Json.MAPPER.readTree(chat.formatted(9));
            second.put("stream", true).set("kv_transfer_params", params);
            Response streamed = Pair.post(pair.decode, "/v1/chat/completions", second);
            assertThat(streamed.body()).endsWith("data: [DONE]\n\n").doesNotContain("kv_transfer_params");
            ObjectNode alone = (ObjectNode) Json.MAPPER.readTree(chat.formatted(9));
            String text = Pair.json(Pair.post(pair.prefill, "/v1/chat/completions", alone))
                    .at("/choices/0/message/content")
                    .stringValue();
            assertThat(contents(streamed)).isEqualTo(text);
        }
    }

    @Test
    void aChatsTokensTakeThePlaceOfItsMessages() throws IOException {
        try (Pair pair = Pair.strict()) {
            ObjectNode first = chat(PROMPT, 1).put("return_token_ids", true);
            first.set("kv_transfer_params", Pair.asking());
            JsonNode answer = Pair.json(Pair.post(pair.prefill, "/v1/chat/completions", first));
            ObjectNode params = (ObjectNode) answer.get("kv_transfer_params");
            params.set("prompt_token_ids", answer.get("prompt_token_ids"));
            ObjectNode other = chat("something else", 9);
            other.set("kv_transfer_params", params);

            assertThat(content(Pair.post(pair.decode, "/v1/chat/completions", other)))
                    .isEqualTo(content(Pair.post(pair.prefill, "/v1/chat/completions", chat(PROMPT, 9))));
        }
    }

    @Test
    void tokensOfAnotherChatAreRefused() throws IOException {
        try (Pair pair = Pair.strict()) {
            ObjectNode first = chat(PROMPT, 1);
            first.set("kv_transfer_params", Pair.asking());
            ObjectNode params = (ObjectNode) Pair.json(Pair.post(pair.prefill, "/v1/chat/completions", first))
                    .get("kv_transfer_params");
            params.putArray("prompt_token_ids").add(5).add(6);
            ObjectNode second = chat(PROMPT, 9);
            second.set("kv_transfer_params", params);

            assertThat(Pair.post(pair.decode, "/v1/chat/completions", second).status())
                    .isEqualTo(400);
            ObjectNode completion = Pair.request(PROMPT, 9);
            completion.set("kv_transfer_params", params);
            assertThat(Pair.post(pair.decode, Pair.PATH, completion).body()).contains("only for a chat");
        }
    }

    private static ObjectNode chat(String text, int maxTokens) {
        ObjectNode body = Json.object().put("max_tokens", maxTokens);
        body.putArray("messages").addObject().put("role", "user").put("content", text);
        return body;
    }

    private static String content(Response answer) {
        return Pair.json(answer).at("/choices/0/message/content").stringValue();
    }

    private static String contents(Response streamed) {
        StringBuilder text = new StringBuilder();
        for (byte[] chunk : streamed.chunks()) {
            String event = new String(chunk, StandardCharsets.UTF_8).substring(6);
            if (event.startsWith("{")) {
                text.append(Json.MAPPER
                        .readTree(event)
                        .at("/choices/0/delta/content")
                        .asString(""));
            }
        }
        return text.toString();
    }

    @Test
    void theUsageShowsWhatThePrefillEngineHadCached() throws IOException {
        try (Pair pair = Pair.faithful()) {
            pair.decode(PROMPT, pair.params(PROMPT));
            ObjectNode second = pair.params(PROMPT);
            int hits = second.get("remote_prefill_cached_tokens").asInt();
            assertThat(hits).isPositive();
            assertThat(cached(pair.decode(PROMPT, second))).isEqualTo(hits);
            ObjectNode stripped = pair.params(OTHER);
            stripped.remove("remote_prefill_cached_tokens");
            Response decoded = pair.decode(OTHER, stripped);
            assertThat(cached(decoded)).isEqualTo(promptTokens(decoded));
        }
    }

    @Test
    void theBlocksAreGivenBackWhenTheyWereRead() throws IOException {
        try (Pair pair = Pair.faithful()) {
            ObjectNode params = pair.params(PROMPT);
            assertThat(pair.prefill.stats().kept()).isEqualTo(1);
            assertThat(pair.prefill.stats().kvUsage()).isPositive();
            pair.decode(PROMPT, params);
            Waiting.until(() -> pair.prefill.stats().kept() == 0);
            assertThat(pair.prefill.stats().kvUsage()).isZero();
            int tokens = params.get("remote_num_tokens").asInt();
            assertThat(pair.decode.stats().count(EngineCounter.EXTERNAL_HITS)).isEqualTo(tokens);
            String metrics = metrics(pair.decode);
            assertThat(metrics)
                    .contains(
                            "vllm:prompt_tokens_cached_by_source_total{engine=\"0\",model_name=\"m\",source=\"p2p\"} "
                                    + tokens + ".0",
                            "vllm:nixl_xfer_time_seconds_count{engine=\"0\",model_name=\"m\"} 1.0",
                            "vllm:nixl_num_failed_transfers_total{engine=\"0\",model_name=\"m\"} 0.0");
        }
    }

    private static String metrics(SimulatedEngine engine) throws IOException {
        try (RawClient client = new RawClient(engine.port())) {
            return client.send("GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n")
                    .read()
                    .body();
        }
    }

    @Test
    void aLeaseEndsAndALateReaderIsCounted() throws IOException {
        try (Pair pair = Pair.faithful()) {
            ObjectNode params = pair.params(PROMPT);
            pair.nanos.addAndGet(Duration.ofSeconds(29).toNanos());
            assertThat(pair.prefill.stats().kept()).isEqualTo(1);
            pair.nanos.addAndGet(Duration.ofSeconds(2).toNanos());
            Waiting.until(() -> pair.prefill.stats().kept() == 0);
            assertThat(pair.prefill.stats().count(EngineCounter.KV_EXPIRED)).isEqualTo(1);
            assertThat(Pair.text(pair.decode(PROMPT, params))).isEqualTo(Pair.alone(PROMPT));
            Waiting.until(() -> pair.prefill.stats().count(EngineCounter.LATE_NOTICES) == 1);
        }
    }

    @Test
    void blocksThatWereUsedAgainGiveAnotherText() throws IOException {
        EngineOptions tight =
                Pair.options().withStrict(false).withMaxModelLength(512).withBlocks(16, 32);
        try (Pair pair = Pair.of(tight)) {
            ObjectNode params = pair.params(PROMPT);
            pair.nanos.addAndGet(Duration.ofSeconds(31).toNanos());
            Waiting.until(() -> pair.prefill.stats().kept() == 0);
            for (int i = 0; i < 4; i++) {
                Pair.post(pair.prefill, Pair.PATH, Pair.request((i + " other words ").repeat(40), 1));
            }
            assertThat(Pair.text(pair.decode(PROMPT, params))).isNotEqualTo(Pair.alone(PROMPT));
        }
    }

    @Test
    void blocksOfAnotherPromptAreTakenAndStay() throws IOException {
        try (Pair pair = Pair.faithful()) {
            Response decoded = pair.decode(PROMPT, pair.params(OTHER));
            assertThat(decoded.status()).isEqualTo(200);
            assertThat(Pair.text(decoded)).isNotEqualTo(Pair.alone(PROMPT)).isNotEqualTo(Pair.alone(OTHER));
            Response again = Pair.post(pair.decode, Pair.PATH, Pair.request(PROMPT, 12));
            assertThat(Pair.text(again)).as("the decode engine has cached them").isNotEqualTo(Pair.alone(PROMPT));
        }
    }

    @Test
    void aForeignEndOfAPromptGivesAnotherText() throws IOException {
        try (Pair pair = Pair.faithful()) {
            Response decoded = pair.decode("one two three", pair.params("one two four"));
            assertThat(decoded.status()).isEqualTo(200);
            assertThat(Pair.text(decoded)).isNotEqualTo(Pair.alone("one two three"));
        }
    }

    @Test
    void theSameParametersTwiceAreTaken() throws IOException {
        try (Pair pair = Pair.faithful()) {
            ObjectNode params = pair.params(PROMPT);
            assertThat(pair.decode(PROMPT, params).status()).isEqualTo(200);
            assertThat(pair.decode(PROMPT, params).status()).isEqualTo(200);
            Waiting.until(() -> pair.prefill.stats().count(EngineCounter.LATE_NOTICES) == 1);
        }
    }

    @Test
    void aStreamedPrefillLegStrandsItsBlocks() throws IOException {
        try (Pair pair = Pair.faithful()) {
            Response streamed =
                    Pair.post(pair.prefill, Pair.PATH, Pair.prefillLeg(PROMPT).put("stream", true));
            assertThat(streamed.status()).isEqualTo(200);
            assertThat(streamed.body()).doesNotContain("kv_transfer_params");
            Waiting.until(() -> pair.prefill.stats().kept() == 1);
            pair.nanos.addAndGet(Duration.ofSeconds(31).toNanos());
            Waiting.until(() -> pair.prefill.stats().kept() == 0);
        }
    }

    @Test
    void twoSamplesOnThePrefillLegStrandTheFirst() throws IOException {
        try (Pair pair = Pair.faithful()) {
            JsonNode params = Pair.json(Pair.post(
                            pair.prefill, Pair.PATH, Pair.prefillLeg(PROMPT).put("n", 2)))
                    .get("kv_transfer_params");
            assertThat(params.get("remote_request_id").stringValue()).startsWith("1_cmpl-");
            assertThat(Pair.text(pair.decode(PROMPT, params))).isEqualTo(Pair.alone(PROMPT));
            Waiting.until(() -> pair.prefill.stats().kept() == 1);
        }
    }

    @Test
    void moreThanOneTokenOnThePrefillLegLeavesOutTheCachedTokens() throws IOException {
        try (Pair pair = Pair.faithful()) {
            ObjectNode leg = Pair.prefillLeg(PROMPT).put("max_tokens", 5);
            JsonNode params = Pair.json(Pair.post(pair.prefill, Pair.PATH, leg)).get("kv_transfer_params");
            Response decoded = pair.decode(PROMPT, params);
            assertThat(params.has("remote_prefill_cached_tokens")).isFalse();
            assertThat(params.get("remote_num_tokens").asInt()).isEqualTo(promptTokens(decoded) + 4);
            assertThat(Pair.text(decoded)).isEqualTo(Pair.alone(PROMPT));
            assertThat(cached(decoded)).isEqualTo(promptTokens(decoded));
        }
    }

    @Test
    void anIncompleteObjectGetsNoAnswerAndThenKillsTheEngine() throws IOException {
        EngineOptions lingering = Pair.options().withStrict(false).withExitDelay(Duration.ofHours(1));
        try (Pair pair = Pair.of(lingering);
                RawClient hung = new RawClient(pair.decode.port())) {
            ObjectNode params = pair.params(PROMPT);
            params.remove("remote_host");
            hung.send(RawClient.post(Pair.PATH, Json.text(Pair.decodeLeg(PROMPT, params))));
            Waiting.until(() -> pair.decode.stats().deferred() == 1);
            assertThat(hung.stream().available()).isZero();
            Response next = Pair.post(pair.decode, Pair.PATH, Pair.request("hello", 2));
            assertThat(next.status()).isEqualTo(500);
            assertThat(next.body()).contains("EngineCore encountered an issue");
            assertThat(hung.read().status()).isEqualTo(500);
            assertThat(Pair.post(pair.decode, Pair.PATH, Pair.request("hello", 2))
                            .status())
                    .isEqualTo(500);
        }
    }

    @Test
    void aDeadEngineIsGoneSoon() throws IOException {
        EngineOptions quick = Pair.options().withStrict(false).withExitDelay(Duration.ZERO);
        try (Pair pair = Pair.of(quick)) {
            ObjectNode params = pair.params(PROMPT);
            params.remove("remote_block_ids");
            RawClient client = new RawClient(pair.decode.port());
            client.send(RawClient.post(Pair.PATH, Json.text(Pair.decodeLeg(PROMPT, params))));
            Waiting.until(() -> refuses(pair.decode.port()));
            client.close();
        }
    }

    private static boolean refuses(int port) {
        try {
            new RawClient(port).close();
            return false;
        } catch (IOException e) {
            return true;
        }
    }

    @Test
    void aClientThatLeavesAnIncompleteRequestKillsTheEngine() throws IOException {
        EngineOptions lingering = Pair.options().withStrict(false).withExitDelay(Duration.ofHours(1));
        try (Pair pair = Pair.of(lingering)) {
            ObjectNode params = pair.params(PROMPT);
            params.remove("remote_port");
            try (RawClient hung = new RawClient(pair.decode.port())) {
                hung.send(RawClient.post(Pair.PATH, Json.text(Pair.decodeLeg(PROMPT, params))));
                Waiting.until(() -> pair.decode.stats().deferred() == 1);
            }
            Waiting.until(() -> pair.decode.stats().deferred() == 0);
            assertThat(Pair.post(pair.decode, Pair.PATH, Pair.request("hello", 2))
                            .status())
                    .isEqualTo(500);
        }
    }

    @Test
    void aDeadPrefillEngineIsAnInternalError() throws IOException {
        try (Pair pair = Pair.strict()) {
            ObjectNode params = pair.params(PROMPT);
            pair.prefill.crash();
            Response failed = pair.decode(PROMPT, params);
            assertThat(failed.status()).isEqualTo(500);
            assertThat(failed.body()).isEqualTo(INTERNAL);
            Response streamed = Pair.post(
                    pair.decode, Pair.PATH, Pair.decodeLeg(PROMPT, params).put("stream", true));
            assertThat(streamed.status()).isEqualTo(200);
            assertThat(streamed.body())
                    .isEqualTo("data: {\"error\": {\"message\": \"Internal server error\", \"type\":"
                            + " \"InternalServerError\", \"param\": null, \"code\": 500}}\n\ndata: [DONE]\n\n");
            assertThat(Pair.text(Pair.post(pair.decode, Pair.PATH, Pair.request(PROMPT, 12))))
                    .isEqualTo(Pair.alone(PROMPT));
            assertThat(pair.decode.stats().finished(Finish.ERROR)).isEqualTo(2);
            assertThat(pair.decode.stats().count(EngineCounter.FAILED_TRANSFERS))
                    .isEqualTo(2);
            assertThat(pair.decode.stats().kvUsage()).isZero();
        }
    }

    @Test
    void aRestartedPrefillEngineIsAnotherOne() throws IOException {
        try (Pair pair = Pair.strict()) {
            ObjectNode params = pair.params(PROMPT);
            int side = pair.prefill.sideChannelPort();
            pair.prefill.restart();
            assertThat(pair.prefill.sideChannelPort()).isEqualTo(side);
            assertThat(pair.decode(PROMPT, params).body()).isEqualTo(INTERNAL);
            assertThat(Pair.text(pair.decode(PROMPT, pair.params(PROMPT)))).isEqualTo(Pair.alone(PROMPT));
        }
    }

    @Test
    void anUnknownEngineOrPortIsAnInternalError() throws IOException {
        try (Pair pair = Pair.faithful()) {
            ObjectNode wrongId = pair.params(PROMPT).put("remote_engine_id", "00000000-0000-0000-0000-000000000002");
            assertThat(pair.decode(PROMPT, wrongId).body()).isEqualTo(INTERNAL);
            ObjectNode wrongPort = pair.params(PROMPT)
                    .put("remote_engine_id", "00000000-0000-0000-0000-000000000001")
                    .put("remote_port", closedPort());
            assertThat(pair.decode(PROMPT, wrongPort).body()).isEqualTo(INTERNAL);
        }
    }

    private static int closedPort() throws IOException {
        try (ServerSocket socket = new ServerSocket(0)) {
            return socket.getLocalPort();
        }
    }

    @Test
    void anotherModelOrBlockSizeDoesNotComeTogether() throws IOException {
        try (Pair pair = Pair.of(Pair.options().withStrict(false), options -> options.withBlocks(32, 0))) {
            assertThat(pair.decode(PROMPT, pair.params(PROMPT)).body()).isEqualTo(INTERNAL);
        }
    }

    @Test
    void anEngineWithoutConnectorIgnoresTheParameters() throws IOException {
        try (Pair pair = Pair.faithful();
                SimulatedEngine plain =
                        SimulatedEngine.start(EngineOptions.of("m", 0).withStrict(false))) {
            Response answer = Pair.post(plain, Pair.PATH, Pair.decodeLeg(PROMPT, pair.params(PROMPT)));
            assertThat(Pair.text(answer)).isEqualTo(Pair.alone(PROMPT));
            assertThat(Pair.json(answer).get("kv_transfer_params").isNull()).isTrue();
        }
    }
}
