// SPDX-License-Identifier: Apache-2.0
package dev.tandem.simulator.http;

import static org.assertj.core.api.Assertions.assertThat;

import dev.tandem.simulator.engine.EngineCounter;
import dev.tandem.simulator.engine.Speed;
import dev.tandem.simulator.http.RawClient.Response;
import dev.tandem.simulator.nixl.NixlConfig;
import dev.tandem.simulator.transfer.KvRole;
import dev.tandem.simulator.wire.Json;
import java.io.IOException;
import java.time.Duration;
import java.util.Random;
import java.util.function.Consumer;
import java.util.function.UnaryOperator;
import java.util.stream.Stream;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestFactory;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ObjectNode;

/** What a strict engine refuses because a correct router never sends it. */
class StrictEngineTest {
    private static final String PROMPT = "the quick brown fox jumps over the lazy dog and runs away ".repeat(6);
    private static final String OTHER = "the quick brown fox jumps over the lazy cat and runs away ".repeat(6);

    private static final long SEED = 4;

    /** A change that makes a leg wrong, and the start of the message. */
    private record Wrong(String message, UnaryOperator<ObjectNode> change) {}

    private static void refuses(SimulatedEngine engine, ObjectNode body, String message) throws IOException {
        Response response = Pair.post(engine, Pair.PATH, body);
        assertThat(response.status()).as(response.body()).isEqualTo(400);
        ObjectNode error = (ObjectNode) Pair.json(response).get("error");
        assertThat(error.get("type").stringValue()).isEqualTo("ContractViolation");
        assertThat(error.get("message").stringValue()).startsWith(message);
        SeenRequest seen = engine.journal().violations().getLast();
        assertThat(seen.violation().orElse("")).startsWith(message);
    }

    private static ObjectNode params(ObjectNode body) {
        return (ObjectNode) body.get("kv_transfer_params");
    }

    private static ObjectNode without(ObjectNode body, String key) {
        body.remove(key);
        return body;
    }

    private static ObjectNode changed(ObjectNode body, Consumer<ObjectNode> change) {
        change.accept(params(body));
        return body;
    }

    @TestFactory
    Stream<DynamicTest> refusesWrongPrefillLegs() {
        return Stream.of(
                        new Wrong("stream: true", body -> body.put("stream", true)),
                        new Wrong("stream_options: present", StrictEngineTest::withStreamOptions),
                        new Wrong("n: 2", body -> body.put("n", 2)),
                        new Wrong("best_of: 3", body -> body.put("best_of", 3)),
                        new Wrong("min_tokens: 2", body -> body.put("min_tokens", 2)),
                        new Wrong("max_tokens: 5", body -> body.put("max_tokens", 5)),
                        new Wrong("max_tokens: absent", body -> without(body, "max_tokens")),
                        new Wrong("max_completion_tokens: 7", body -> body.put("max_completion_tokens", 7)),
                        new Wrong("prompt: a list", body -> {
                            body.putArray("prompt").add("a").add("b");
                            return body;
                        }),
                        new Wrong(
                                "kv_transfer_params: both",
                                body -> changed(body, params -> params.put("do_remote_prefill", true))),
                        new Wrong(
                                "kv_transfer_params: neither",
                                body -> changed(body, params -> params.put("do_remote_decode", false))),
                        new Wrong(
                                "kv_transfer_params.remote_host: \"evil\"",
                                body -> changed(body, params -> params.put("remote_host", "evil"))),
                        new Wrong(
                                "kv_transfer_params.lmcache.tag: unknown key",
                                body -> changed(body, params -> params.put("lmcache.tag", 1))))
                .map(wrong -> DynamicTest.dynamicTest(wrong.message, () -> {
                    try (Pair pair = Pair.strict()) {
                        refuses(pair.prefill, wrong.change.apply(Pair.prefillLeg(PROMPT)), wrong.message);
                        assertThat(pair.prefill.stats().kept()).isZero();
                    }
                }));
    }

    private static ObjectNode withStreamOptions(ObjectNode body) {
        body.putObject("stream_options").put("include_usage", true);
        return body;
    }

    @TestFactory
    Stream<DynamicTest> refusesWrongDecodeLegs() {
        String start = "kv_transfer_params.";
        String judged = "kv_transfer_params: ";
        return Stream.of(
                        new Wrong(start + "remote_host: missing", params -> without(params, "remote_host")),
                        new Wrong(start + "remote_port: missing", params -> params.putNull("remote_port")),
                        new Wrong(start + "remote_request_id: missing", params -> without(params, "remote_request_id")),
                        new Wrong(start + "remote_engine_id: missing", params -> without(params, "remote_engine_id")),
                        new Wrong(start + "remote_block_ids: ", params -> {
                            params.putArray("remote_block_ids").add(1);
                            return params;
                        }),
                        new Wrong(start + "do_something: unknown key", params -> params.put("do_something", true)),
                        new Wrong(judged + "changed", params -> params.put("remote_num_tokens", 1)),
                        new Wrong(judged + "changed", params -> without(params, "remote_prefill_cached_tokens")),
                        new Wrong(
                                judged + "not handed out",
                                params -> params.put("remote_request_id", "cmpl-somebody-else")))
                .map(wrong -> DynamicTest.dynamicTest(wrong.message, () -> {
                    try (Pair pair = Pair.strict()) {
                        ObjectNode params = wrong.change.apply(pair.params(PROMPT));
                        refuses(pair.decode, Pair.decodeLeg(PROMPT, params), wrong.message);
                    }
                }));
    }

    @Test
    void clientsThatLeaveAtAnyMomentStrandNothing() throws IOException {
        Random random = new Random(SEED);
        EngineOptions slow = Pair.options().withSpeed(new Speed("slow", 300, 1, 1, 0, 0, 1 << 16));
        try (SimulatedEngine prefill = SimulatedEngine.start(slow);
                SimulatedEngine decode = SimulatedEngine.start(slow)) {
            for (int i = 0; i < 50; i++) {
                String prompt = i + PROMPT;
                JsonNode params = Pair.json(Pair.post(prefill, Pair.PATH, Pair.prefillLeg(prompt)))
                        .get("kv_transfer_params");
                String body = Json.text(Pair.decodeLeg(prompt, params).put("stream", true));
                try (RawClient client = new RawClient(decode.port())) {
                    client.send(RawClient.post(Pair.PATH, body));
                    int sent = i + 1;
                    Waiting.until(() -> decode.journal().received() == sent);
                    client.stream().readNBytes(random.nextInt(4) * 400);
                }
            }
            Waiting.until(() -> prefill.stats().kept() == 0);
            Waiting.until(() -> decode.stats().kvUsage() == 0);
            assertThat(prefill.stats().count(EngineCounter.KV_EXPIRED)).isZero();
            assertThat(decode.journal().violations()).isEmpty();
        }
    }

    @Test
    void refusesTheSameParametersTwice() throws IOException {
        try (Pair pair = Pair.strict()) {
            ObjectNode params = pair.params(PROMPT);
            assertThat(pair.decode(PROMPT, params).status()).isEqualTo(200);
            refuses(pair.decode, Pair.decodeLeg(PROMPT, params), "kv_transfer_params: used before");
        }
    }

    @Test
    void refusesParametersThatAFaithfulEngineHasUsed() throws IOException {
        try (Pair pair = Pair.strict();
                SimulatedEngine faithful = SimulatedEngine.start(Pair.options().withStrict(false))) {
            ObjectNode params = pair.params(PROMPT);
            assertThat(Pair.post(faithful, Pair.PATH, Pair.decodeLeg(PROMPT, params))
                            .status())
                    .isEqualTo(200);
            refuses(pair.decode, Pair.decodeLeg(PROMPT, params), "kv_transfer_params: used before");
        }
    }

    @Test
    void refusesParametersOfAnotherPrompt() throws IOException {
        try (Pair pair = Pair.strict()) {
            ObjectNode params = pair.params(OTHER);
            refuses(pair.decode, Pair.decodeLeg(PROMPT, params), "kv_transfer_params: handed out for another");
            assertThat(pair.decode(OTHER, params).status()).as("still good").isEqualTo(200);
        }
    }

    @Test
    void refusesParametersThatAreOlderThanTheLease() throws IOException {
        try (Pair pair = Pair.strict()) {
            ObjectNode params = pair.params(PROMPT);
            pair.nanos.addAndGet(Duration.ofSeconds(31).toNanos());
            Waiting.until(() -> pair.prefill.stats().kept() == 0);
            refuses(pair.decode, Pair.decodeLeg(PROMPT, params), "kv_transfer_params: older than their lease");
        }
    }

    @Test
    void refusesLegsOnEnginesOfTheOtherRole() throws IOException {
        NixlConfig side = NixlConfig.of(KvRole.PRODUCER).withSideChannel("127.0.0.1", 0);
        NixlConfig other = NixlConfig.of(KvRole.CONSUMER).withSideChannel("127.0.0.1", 0);
        try (Pair pair = Pair.of(EngineOptions.of("m", 0).withNixl(side), options -> options.withNixl(other))) {
            ObjectNode params = pair.params(PROMPT);
            refuses(
                    pair.prefill,
                    Pair.decodeLeg(PROMPT, params),
                    "kv_transfer_params.do_remote_prefill: true on a prefill engine");
            refuses(
                    pair.decode,
                    Pair.prefillLeg(PROMPT),
                    "kv_transfer_params.do_remote_decode: true on a decode engine");
            assertThat(pair.decode(PROMPT, params).status()).isEqualTo(200);
        }
    }

    @Test
    void refusesParametersWithoutTheConnector() throws IOException {
        try (SimulatedEngine plain = SimulatedEngine.start(EngineOptions.of("m", 0))) {
            refuses(plain, Pair.prefillLeg(PROMPT), "kv_transfer_params.do_remote_decode: this engine has no");
            ObjectNode lmcache = Pair.request(PROMPT, 3);
            lmcache.putObject("kv_transfer_params").put("lmcache.skip_save", true);
            assertThat(Pair.post(plain, Pair.PATH, lmcache).status()).isEqualTo(200);
        }
    }

    @Test
    void theAdminEndpointShowsWhenTheFirstTokenWasThere() throws IOException {
        try (Pair pair = Pair.faithful();
                RawClient client = new RawClient(pair.decode.port())) {
            pair.nanos.set(70);
            pair.decode(PROMPT, pair.params(PROMPT));
            Response journal =
                    client.send("GET /sim/journal HTTP/1.1\r\nHost: x\r\n\r\n").read();
            JsonNode first = Json.MAPPER.readTree(journal.body()).at("/requests/0/first_token");
            assertThat(first.path("queued_ns").asLong()).isEqualTo(70);
            assertThat(first.path("ready_ns").asLong()).isEqualTo(70);
            assertThat(first.path("at_ns").asLong()).isEqualTo(70);
            assertThat(first.path("cached_tokens").asInt()).isPositive();
        }
    }

    @Test
    void theAdminEndpointShowsViolations() throws IOException {
        try (Pair pair = Pair.strict();
                RawClient client = new RawClient(pair.prefill.port())) {
            Pair.post(pair.prefill, Pair.PATH, Pair.prefillLeg(PROMPT).put("stream", true));
            Response journal =
                    client.send("GET /sim/journal HTTP/1.1\r\nHost: x\r\n\r\n").read();
            assertThat(Json.MAPPER
                            .readTree(journal.body())
                            .at("/requests/0/violation")
                            .stringValue())
                    .startsWith("stream: true");
        }
    }
}
