// SPDX-License-Identifier: Apache-2.0
package dev.tandem.simulator.http;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.tandem.simulator.engine.EngineCounter;
import dev.tandem.simulator.http.RawClient.Response;
import dev.tandem.simulator.wire.Json;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import tools.jackson.databind.JsonNode;

class SimulatedEngineTest {
    private static final String STREAM =
            "{\"model\":\"m\",\"prompt\":\"hello\",\"max_tokens\":20,\"ignore_eos\":true,\"stream\":true}";
    private static final String ENDLESS =
            "{\"model\":\"m\",\"prompt\":\"hello\",\"max_tokens\":30000,\"ignore_eos\":true,\"stream\":%s}";

    @TempDir
    Path folder;

    private SimulatedEngine engine;

    @BeforeEach
    void start() {
        engine = SimulatedEngine.start(EngineOptions.of("m", 0));
    }

    @AfterEach
    void stop() {
        engine.close();
    }

    private static Response post(SimulatedEngine engine, String path, String body) throws IOException {
        try (RawClient client = new RawClient(engine.port())) {
            return client.send(RawClient.post(path, body)).read();
        }
    }

    private static JsonNode complete(SimulatedEngine engine, String prompt) throws IOException {
        String body = "{\"prompt\":" + Json.quote(new StringBuilder(), prompt) + ",\"max_tokens\":12}";
        return Json.MAPPER.readTree(post(engine, "/v1/completions", body).body());
    }

    private static int cachedTokens(JsonNode answer) {
        return answer.at("/usage/prompt_tokens_details/cached_tokens").asInt();
    }

    @Test
    void oneConnectionServesManyRequests() throws IOException {
        try (RawClient client = new RawClient(engine.port())) {
            for (int i = 0; i < 5; i++) {
                assertThat(client.send(RawClient.post("/v1/completions", STREAM))
                                .read()
                                .chunks())
                        .hasSize(21);
            }
        }
        assertThat(engine.journal().requests()).hasSize(5);
        Waiting.until(() -> engine.journal().requests().getLast().end() == SeenRequest.End.COMPLETED);
    }

    @Test
    void anIdleConnectionIsClosedAfterSomeSeconds() throws IOException {
        assertThat(EngineOptions.parse("m").idle()).isEqualTo(Duration.ofSeconds(5));
        EngineOptions impatient = EngineOptions.of("m", 0).withIdle(Duration.ofMillis(50));
        try (SimulatedEngine quick = SimulatedEngine.start(impatient);
                RawClient client = new RawClient(quick.port())) {
            assertThat(client.send(RawClient.post("/v1/completions", STREAM))
                            .read()
                            .status())
                    .isEqualTo(200);
            assertThat(client.stream().read()).as("closed, not reset").isEqualTo(-1);
        }
    }

    @Test
    void aConnectionIsNotIdleWhileItsAnswerIsMade() throws IOException {
        EngineOptions impatient = EngineOptions.of("m", 0).withIdle(Duration.ofMillis(50));
        try (SimulatedEngine quick = SimulatedEngine.start(impatient);
                RawClient client = new RawClient(quick.port())) {
            quick.faults().add(Fault.of(Fault.Kind.DELAY).pause(Duration.ofMillis(200)));
            assertThat(client.send(RawClient.post("/v1/completions", STREAM))
                            .read()
                            .chunks())
                    .hasSize(21);
        }
    }

    @Test
    void theJournalKeepsWhatWasSent() throws IOException {
        String body = "{\"prompt\":\"\\u65e5 x\",  \"max_tokens\":1}";
        try (RawClient client = new RawClient(engine.port())) {
            client.send(RawClient.post("/v1/completions?a=b", body, "X-Test: One\r\nx-test: two\r\n"))
                    .read();
        }
        SeenRequest seen = engine.journal().requests().getFirst();
        assertThat(seen.method() + " " + seen.path()).isEqualTo("POST /v1/completions?a=b");
        assertThat(seen.bodyText()).isEqualTo(body);
        assertThat(seen.headers()).contains(Map.entry("X-Test", "One"), Map.entry("x-test", "two"));
        engine.journal().clear();
        assertThat(engine.journal().requests()).isEmpty();
        assertThat(engine.journal().received()).isEqualTo(1);
    }

    @Test
    void aClientThatLeavesAStreamAbortsTheRequest() throws IOException {
        SimulatedEngine slow = SimulatedEngine.start(EngineOptions.parse("m", "--port", "0"));
        try (slow) {
            try (RawClient client = new RawClient(slow.port())) {
                client.send(RawClient.post("/v1/completions", ENDLESS.formatted("true")));
                assertThat(client.stream().read()).isEqualTo('H');
                Waiting.until(() -> slow.stats().running() == 1);
            }
            Waiting.until(() -> slow.stats().running() == 0);
            assertThat(slow.stats().kvUsage()).isZero();
            Waiting.until(() -> slow.journal().requests().getFirst().end() == SeenRequest.End.ABORTED_BY_CLIENT);
        }
    }

    @Test
    void aClientThatLeavesBeforeTheAnswerAbortsTheRequest() throws IOException {
        SimulatedEngine slow = SimulatedEngine.start(EngineOptions.parse("m", "--port", "0"));
        try (slow) {
            try (RawClient client = new RawClient(slow.port())) {
                client.send(RawClient.post("/v1/completions", ENDLESS.formatted("false")));
                Waiting.until(() -> slow.stats().running() == 1);
            }
            Waiting.until(() -> slow.stats().running() == 0);
            Waiting.until(() -> slow.journal().requests().getFirst().end() == SeenRequest.End.ABORTED_BY_CLIENT);
        }
    }

    @Test
    void aDecodeEngineFindsWhatThePrefillEngineStored() throws IOException {
        EngineOptions shared = EngineOptions.of("m", 0).withStore(folder);
        String prompt = "the quick brown fox jumps over the lazy dog ".repeat(20);
        try (SimulatedEngine prefill = SimulatedEngine.start(shared);
                SimulatedEngine decode = SimulatedEngine.start(shared)) {
            JsonNode first = complete(prefill, prompt);
            assertThat(cachedTokens(first)).isZero();
            JsonNode second = complete(decode, prompt);
            assertThat(second.at("/choices/0/text")).isEqualTo(first.at("/choices/0/text"));
            int blocks = (second.at("/usage/prompt_tokens").asInt() - 1) / 16;
            assertThat(cachedTokens(second)).isEqualTo(blocks * 16).isPositive();
            assertThat(decode.stats().count(EngineCounter.EXTERNAL_HITS)).isEqualTo(cachedTokens(second));
        }
        spoilOneFile();
        try (SimulatedEngine decode = SimulatedEngine.start(shared)) {
            assertThat(complete(decode, prompt).at("/choices/0/text"))
                    .isNotEqualTo(complete(engine, prompt).at("/choices/0/text"));
        }
    }

    private void spoilOneFile() throws IOException {
        try (Stream<Path> files = Files.walk(folder)) {
            Path file = files.filter(Files::isRegularFile).findFirst().orElseThrow();
            byte[] bytes = Files.readAllBytes(file);
            bytes[9] ^= 0x10;
            Files.write(file, bytes);
        }
    }

    @Test
    void aCrashedEngineRefusesConnectionsAndARestartedOneIsNew() throws IOException {
        String prompt = "hello world ".repeat(50);
        complete(engine, prompt);
        assertThat(cachedTokens(complete(engine, prompt))).isPositive();
        String id = engine.engineId();
        engine.crash();
        assertThatThrownBy(() -> new RawClient(engine.port())).isInstanceOf(IOException.class);
        engine.restart();
        assertThat(engine.engineId()).isNotEqualTo(id);
        assertThat(cachedTokens(complete(engine, prompt))).isZero();
    }

    @Test
    void aRestartKeepsThePort() throws IOException {
        int port = engine.port();
        engine.restart();
        assertThat(engine.port()).isEqualTo(port);
        assertThat(post(engine, "/v1/completions", STREAM).status()).isEqualTo(200);
    }

    @Test
    void aKeyIsAskedForOnTheApiOnly() throws IOException {
        try (SimulatedEngine locked =
                        SimulatedEngine.start(EngineOptions.of("m", 0).withApiKey("k"));
                RawClient client = new RawClient(locked.port())) {
            Response refused =
                    client.send(RawClient.post("/v1/completions", STREAM)).read();
            assertThat(refused.status()).isEqualTo(401);
            assertThat(refused.body()).isEqualTo("{\"error\":\"Unauthorized\"}");
            String key = "Authorization: Bearer k\r\n";
            assertThat(client.send(RawClient.post("/v1/completions", STREAM, key))
                            .read()
                            .status())
                    .isEqualTo(200);
            assertThat(client.send("GET /health HTTP/1.1\r\nHost: x\r\n\r\n")
                            .read()
                            .status())
                    .isEqualTo(200);
        }
    }

    @Test
    void poolingAnswersAreFunctionsOfTheText() throws IOException {
        String body = "{\"model\":\"m\",\"input\":[\"a\",\"b\",\"a\"]}";
        JsonNode data = Json.MAPPER
                .readTree(post(engine, "/v1/embeddings", body).body())
                .get("data");
        assertThat(data.get(0).get("embedding")).isEqualTo(data.get(2).get("embedding"));
        assertThat(data.get(0).get("embedding")).isNotEqualTo(data.get(1).get("embedding"));
        String rerank = "{\"query\":\"q\",\"documents\":[\"a\",\"b\",\"c\"],\"top_n\":2}";
        JsonNode results =
                Json.MAPPER.readTree(post(engine, "/v1/rerank", rerank).body()).get("results");
        assertThat(results).hasSize(2);
        assertThat(results.get(0).get("relevance_score").asDouble())
                .isGreaterThanOrEqualTo(results.get(1).get("relevance_score").asDouble());
        JsonNode scores = Json.MAPPER.readTree(post(engine, "/v1/score", "{\"text_1\":\"q\",\"text_2\":[\"a\",\"b\"]}")
                .body());
        assertThat(scores.get("data")).hasSize(2);
    }

    @Test
    void transcriptionsAreFunctionsOfTheAudio() throws IOException {
        assertThat(transcribe("one")).isEqualTo(transcribe("one")).isNotEqualTo(transcribe("two"));
    }

    private String transcribe(String audio) throws IOException {
        String body = "--B\r\nContent-Disposition: form-data; name=\"model\"\r\n\r\nm\r\n"
                + "--B\r\nContent-Disposition: form-data; name=\"file\"; filename=\"a.wav\"\r\n\r\n" + audio
                + "\r\n--B--\r\n";
        try (RawClient client = new RawClient(engine.port())) {
            Response response = client.send("POST /v1/audio/transcriptions HTTP/1.1\r\nHost: x\r\n"
                            + "Content-Type: multipart/form-data; boundary=B\r\nContent-Length: " + body.length()
                            + "\r\n\r\n" + body)
                    .read();
            assertThat(response.status()).as(response.body()).isEqualTo(200);
            return Json.MAPPER.readTree(response.body()).get("text").stringValue();
        }
    }

    @Test
    void anAnswerThatHasBegunIsGoneOnWith() throws IOException {
        String user = "{\"role\":\"user\",\"content\":\"hello\"}";
        String all = said(user, 8, "");
        String begun = all.substring(0, all.indexOf(' ', 1));
        String messages = user + ",{\"role\":\"assistant\",\"content\":\"" + begun + "\"}";

        assertThat(begun + said(messages, 7, ",\"continue_final_message\":true,\"add_generation_prompt\":false"))
                .isEqualTo(all);
        assertThat(said(messages, 7, ",\"continue_final_message\":true")).isEmpty();
    }

    /** Returns the text of a chat's answer; empty when it is refused. */
    private String said(String messages, int tokens, String more) throws IOException {
        String ask = "{\"ignore_eos\":true,\"max_tokens\":" + tokens + ",\"messages\":[" + messages + "]" + more + "}";
        return Json.MAPPER
                .readTree(post(engine, "/v1/chat/completions", ask).body())
                .at("/choices/0/message/content")
                .asString("");
    }

    @Test
    void aForcedToolCallObeysItsSchema() throws IOException {
        String tools =
                "\"tools\":[{\"type\":\"function\",\"function\":{\"name\":\"f\",\"parameters\":{\"type\":\"object\","
                        + "\"properties\":{\"days\":{\"type\":\"integer\",\"minimum\":1,\"maximum\":9}}}}}]";
        String body = "{\"messages\":[{\"role\":\"user\",\"content\":\"x\"}]," + tools
                + ",\"tool_choice\":\"required\",\"stream\":%s}";
        JsonNode choice = Json.MAPPER
                .readTree(post(engine, "/v1/chat/completions", body.formatted("false"))
                        .body())
                .at("/choices/0");
        assertThat(choice.get("finish_reason").stringValue()).isEqualTo("tool_calls");
        String arguments = choice.at("/message/tool_calls/0/function/arguments").stringValue();
        assertThat(Json.MAPPER.readTree(arguments).get("days").asInt()).isBetween(1, 9);
        StringBuilder streamed = new StringBuilder();
        for (byte[] chunk :
                post(engine, "/v1/chat/completions", body.formatted("true")).chunks()) {
            String event = new String(chunk, StandardCharsets.UTF_8).substring(6);
            if (event.startsWith("{")) {
                streamed.append(Json.MAPPER
                        .readTree(event)
                        .at("/choices/0/delta/tool_calls/0/function/arguments")
                        .asString(""));
            }
        }
        assertThat(streamed).hasToString(arguments);
    }

    @Test
    void rawAnswersAreSentByteForByte() throws IOException {
        byte[] raw = "HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nhe\u0000lo".getBytes(StandardCharsets.US_ASCII);
        engine.faults().respondWith(raw, 1, 3, 20);
        try (RawClient client = new RawClient(engine.port())) {
            assertThat(client.send("GET /health HTTP/1.1\r\nHost: x\r\n\r\n")
                            .read()
                            .status())
                    .isEqualTo(200);
            client.send(RawClient.post("/v1/completions", STREAM));
            assertThat(client.stream().readNBytes(raw.length)).isEqualTo(raw);
        }
        assertThat(List.of(post(engine, "/v1/completions", STREAM).status())).containsExactly(200);
    }
}
