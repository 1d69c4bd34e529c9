// SPDX-License-Identifier: Apache-2.0
package dev.tandem.simulator.http;

import static org.assertj.core.api.Assertions.assertThat;

import dev.tandem.simulator.engine.EngineCounter;
import dev.tandem.simulator.http.RawClient.Response;
import dev.tandem.simulator.nixl.NixlConfig;
import dev.tandem.simulator.transfer.KvRole;
import dev.tandem.simulator.wire.Json;
import java.io.IOException;
import java.time.Duration;
import org.junit.jupiter.api.Test;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.ObjectNode;

/** What vLLM 0.32 does with {@code bidirectional_kv_xfer}, as seen with two CPU engines on 2026-11-22. */
class NixlTurnsTest {
    private static final String PROMPT = "the quick brown fox jumps over the lazy dog and runs away ".repeat(6);
    private static final int ANSWER = 100;

    private static EngineOptions options(NixlConfig.Turns turns) {
        return EngineOptions.of("m", 0)
                .withNixl(NixlConfig.of(KvRole.BOTH)
                        .withSideChannel("127.0.0.1", 0)
                        .withTurns(turns));
    }

    private static ObjectNode body(ArrayNode prompt, int maxTokens, JsonNode params) {
        ObjectNode body = Json.object().put("max_tokens", maxTokens).put("ignore_eos", true);
        body.set("prompt", prompt);
        body.set("kv_transfer_params", params);
        return body.put("return_token_ids", true);
    }

    /** Runs a turn of a text and returns decode's answer. */
    private static ObjectNode turn(Pair pair) throws IOException {
        JsonNode params = pair.params(PROMPT);
        ObjectNode body = Pair.request(PROMPT, ANSWER).put("return_token_ids", true);
        body.set("kv_transfer_params", params);
        return Pair.json(Pair.post(pair.decode, Pair.PATH, body));
    }

    /** Returns the tokens of prompt and answer, and some more. */
    private static ArrayNode next(JsonNode answer) {
        ArrayNode tokens = Json.MAPPER.createArrayNode();
        tokens.addAll((ArrayNode) answer.at("/choices/0/prompt_token_ids"));
        tokens.addAll((ArrayNode) answer.at("/choices/0/token_ids"));
        for (int i = 0; i < 40; i++) {
            tokens.add(100 + i);
        }
        return tokens;
    }

    private static Response read(Pair pair, ArrayNode prompt, JsonNode lastTurn) throws IOException {
        return Pair.post(pair.prefill, Pair.PATH, body(prompt, 1, lastTurn));
    }

    private static String answered(Pair pair, ArrayNode prompt, JsonNode params) throws IOException {
        return Pair.text(Pair.post(pair.decode, Pair.PATH, body(prompt, 20, params)));
    }

    private static String alone(ArrayNode prompt) throws IOException {
        try (SimulatedEngine engine = SimulatedEngine.start(EngineOptions.of("m", 0))) {
            ObjectNode body = Json.object().put("max_tokens", 20).put("ignore_eos", true);
            body.set("prompt", prompt);
            return Pair.text(Pair.post(engine, Pair.PATH, body));
        }
    }

    @Test
    void theNextTurnReadsWhatTheLastOneLeft() throws IOException {
        try (Pair pair = Pair.of(options(NixlConfig.Turns.DEFAULT))) {
            ObjectNode last = turn(pair);
            JsonNode kept = last.get("kv_transfer_params");
            ArrayNode prompt = next(last);

            assertThat(kept.path("do_remote_decode").asBoolean()).isTrue();
            assertThat(kept.path("remote_num_tokens").asInt()).isEqualTo(prompt.size() - 40 - 1);
            JsonNode params = Pair.json(read(pair, prompt, kept)).get("kv_transfer_params");
            assertThat(pair.prefill.stats().count(EngineCounter.PROMPT_EXTERNAL))
                    .isBetween(64L, 100L);
            Waiting.until(() -> pair.decode.stats().kept() == 0);
            assertThat(answered(pair, prompt, params)).isEqualTo(alone(prompt));
            assertThat(pair.prefill.journal().violations()).isEmpty();
        }
    }

    @Test
    void littleIsComputedInsteadAndGivenBack() throws IOException {
        try (Pair pair = Pair.of(options(new NixlConfig.Turns(Duration.ofMinutes(1), 1000)))) {
            ObjectNode last = turn(pair);
            JsonNode params = Pair.json(read(pair, next(last), last.get("kv_transfer_params")))
                    .get("kv_transfer_params");

            assertThat(pair.prefill.stats().count(EngineCounter.PROMPT_EXTERNAL))
                    .isZero();
            Waiting.until(() -> pair.decode.stats().kept() == 0);
            assertThat(answered(pair, next(last), params)).isEqualTo(alone(next(last)));
        }
    }

    @Test
    void anotherHistoryReadsWrongly() throws IOException {
        try (Pair pair = Pair.of(options(NixlConfig.Turns.DEFAULT).withStrict(false))) {
            ObjectNode last = turn(pair);
            ArrayNode changed = next(last).set(changedToken(last), 77);
            JsonNode params = Pair.json(read(pair, changed, last.get("kv_transfer_params")))
                    .get("kv_transfer_params");

            assertThat(answered(pair, changed, params)).isNotEqualTo(alone(changed));
        }
    }

    /** A token of the answer: the prompt is cached by the prefill engine, which reads what is behind it. */
    private static int changedToken(JsonNode last) {
        return last.at("/choices/0/prompt_token_ids").size() + 30;
    }

    @Test
    void strictEnginesRefuseAnotherHistoryASecondUseAndWhatIsTooOld() throws IOException {
        try (Pair pair = Pair.of(options(new NixlConfig.Turns(Duration.ofMinutes(1), 16)))) {
            ObjectNode first = turn(pair);
            ObjectNode second = turn(pair);
            ArrayNode changed = next(first).set(changedToken(first), 77);

            assertThat(read(pair, changed, first.get("kv_transfer_params")).body())
                    .contains("handed out for another prompt");
            assertThat(read(pair, next(first), first.get("kv_transfer_params")).status())
                    .isEqualTo(200);
            assertThat(read(pair, next(first), first.get("kv_transfer_params")).body())
                    .contains("used before");
            pair.nanos.addAndGet(Duration.ofSeconds(61).toNanos());
            Waiting.until(() -> pair.decode.stats().kept() == 0);
            assertThat(read(pair, next(second), second.get("kv_transfer_params"))
                            .body())
                    .contains("older than their lease");
        }
    }

    @Test
    void streamsKeepTheirBlocksAndDoNotSayWhere() throws IOException {
        try (Pair pair = Pair.of(options(NixlConfig.Turns.DEFAULT))) {
            Response streamed = Pair.post(
                    pair.decode,
                    Pair.PATH,
                    Pair.decodeLeg(PROMPT, pair.params(PROMPT)).put("stream", true));

            assertThat(streamed.body()).endsWith("data: [DONE]\n\n").doesNotContain("remote_block_ids");
            assertThat(pair.decode.stats().kept()).isEqualTo(1);
        }
    }

    @Test
    void aPrefillEngineThatDoesNotReadWaitsForEver() throws IOException {
        EngineOptions reads = options(NixlConfig.Turns.DEFAULT).withStrict(false);
        EngineOptions reader = EngineOptions.of("m", 0).withNixl().withStrict(false);
        try (Pair pair = Pair.of(reader, same -> reads);
                RawClient client = new RawClient(pair.prefill.port())) {
            ObjectNode last = turn(pair);

            client.send(RawClient.post(Pair.PATH, Json.text(body(next(last), 1, last.get("kv_transfer_params")))));
            Waiting.until(() -> pair.prefill.stats().deferred() == 1);
        }
    }
}
