// SPDX-License-Identifier: Apache-2.0
package dev.tandem.gateway.it;

import static org.assertj.core.api.Assertions.assertThat;

import dev.tandem.core.fleet.Role;
import dev.tandem.gateway.it.RawClient.Answer;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.TestInstance.Lifecycle;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/** What the two listening sockets serve and refuse, and what crosses them. */
@TestInstance(Lifecycle.PER_CLASS)
@Timeout(value = 90, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
@SuppressWarnings("StringConcatToTextBlock") // HTTP and event streams are read best as they are on the wire
final class EdgeIT {
    private static final String COMPLETION = "/v1/completions";
    private static final String ASK = "{\"model\":\"tiny\",\"prompt\":\"hello\",\"max_tokens\":4}";
    private static final String ANSWER =
            "{\"id\":\"cmpl-1\",\"model\":\"tiny\",\"choices\":[{\"index\":0,\"text\":\" there\",\"finish_reason\":"
                    + "\"length\"}],\"usage\":{\"prompt_tokens\":1,\"completion_tokens\":4,\"total_tokens\":5}}";

    private RawEngine one;
    private RawEngine two;
    private GatewayRig rig;

    @BeforeAll
    void start() throws IOException {
        one = RawEngine.start("tiny");
        two = RawEngine.start("other");
        rig = GatewayRig.setup()
                .worker("w1", one.url(), Role.UNIFIED)
                .worker("w2", two.url(), Role.UNIFIED)
                .set("tandem.body.max-size", "64KB")
                .set("tandem.body.read-silence", "300ms")
                .set("tandem.health.probes-down", "1")
                .set("tandem.health.probes-up", "1")
                .start();
        one.on((request, wire) -> wire.json(200, ANSWER));
        two.on((request, wire) -> wire.json(200, ANSWER));
    }

    @AfterAll
    void stop() throws IOException {
        rig.close();
        one.close();
        two.close();
    }

    @AfterEach
    void nothingIsLeft() {
        rig.assertNothingLeft();
        one.clear();
        two.clear();
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "/",
                "/v1",
                "/v1/",
                "/v1/completions/",
                "/v1/completion",
                "//v1/completions",
                "/v1/../v1/completions",
                "/v1/%63ompletions",
                "/V1/COMPLETIONS",
                "/metrics",
                "/actuator/health",
                "/health",
                "/v1/files"
            })
    void anUnknownPathIs404(String path) throws IOException {
        Answer answer = RawClient.post(rig.port(), path, ASK);

        assertOpenAiError(answer, 404, "unknown_path");
        assertThat(answer.header("x-request-id")).matches("[0-9a-f]{16}");
        assertThat(one.received()).isEmpty();
    }

    @ParameterizedTest
    @CsvSource({
        "GET,/v1/completions,POST",
        "PUT,/v1/chat/completions,POST",
        "DELETE,/generate,POST",
        "POST,/v1/models,GET",
        "POST,/healthz,GET"
    })
    void aWrongMethodIs405(String method, String path, String allowed) throws IOException {
        Answer answer = RawClient.ask(rig.port(), method, path, new byte[0]);

        assertOpenAiError(answer, 405, "method_not_allowed");
        assertThat(answer.header("x-request-id")).matches("[0-9a-f]{16}");
        assertThat(answer.header("allow")).isEqualTo(allowed);
    }

    @Test
    void aBodyThatAnnouncesTooMuchIs413BeforeItIsSent() throws IOException {
        try (RawClient client = RawClient.open(rig.port())) {
            client.write("POST /v1/completions HTTP/1.1\r\nhost: g\r\ncontent-type: application/json\r\n"
                    + "content-length: 65537\r\n\r\n{");

            assertOpenAiError(client.read(), 413, "request_too_large");
        }
    }

    @Test
    void aChunkedBodyThatGrowsTooLargeIs413() throws IOException {
        try (RawClient client = RawClient.open(rig.port())) {
            client.write("POST /v1/completions HTTP/1.1\r\nhost: g\r\ncontent-type: application/json\r\n"
                    + "transfer-encoding: chunked\r\n\r\n");
            client.write("10001\r\n{\"prompt\":\"" + "x".repeat(65_525) + "\r\n");

            assertOpenAiError(client.read(), 413, "request_too_large");
        }
    }

    @Test
    void aBodyOfTheLargestSizePasses() throws IOException {
        String prefix = "{\"model\":\"tiny\",\"prompt\":\"";
        String body = prefix + "x".repeat(65_536 - prefix.length() - 2) + "\"}";

        Answer answer = RawClient.post(rig.port(), COMPLETION, body);

        assertThat(answer.status()).as(answer.toString()).isEqualTo(200);
        assertThat(one.received())
                .singleElement()
                .satisfies(seen -> assertThat(seen.text()).isEqualTo(body));
    }

    @Test
    void anotherMediaTypeIs415() throws IOException {
        assertOpenAiError(
                RawClient.post(rig.port(), COMPLETION, ASK, "content-type: text/plain"), 415, "unsupported_media_type");
        assertOpenAiError(
                RawClient.post(rig.port(), "/v1/audio/transcriptions", ASK, "content-type: application/json"),
                415,
                "unsupported_media_type");
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "{\"prompt\":\"a\"",
                "{\"prompt\":nope}",
                "[]",
                "\"text\"",
                "17",
                "{\"prompt\":\"a\"} x",
                "",
                "{,}",
                "{\"prompt\":\"a\",\"prompt\":\"b\"}",
                "{\"prompt\":\"a\",\"\\u0070rompt\":\"b\"}",
                "{\"model\":7}"
            })
    void aBodyThatIsNoProperObjectIs400(String body) throws IOException {
        Answer answer = RawClient.ask(
                rig.port(),
                "POST",
                COMPLETION,
                body.getBytes(StandardCharsets.UTF_8),
                body.isEmpty() ? "content-type: application/json" : "x-nothing: 1");

        assertThat(answer.status()).as(answer.toString()).isEqualTo(400);
        assertThat(json(answer).path("error").path("type").asString()).isEqualTo("invalid_request_error");
        assertThat(one.received()).isEmpty();
    }

    @Test
    void anErrorOfTheMessagesApiHasItsOwnShape() throws IOException {
        Answer answer = RawClient.post(rig.port(), "/v1/messages", "{nope");

        assertThat(answer.status()).isEqualTo(400);
        assertThat(json(answer).path("type").asString()).isEqualTo("error");
        assertThat(json(answer).path("error").path("type").asString()).isEqualTo("invalid_request_error");
    }

    @Test
    void aModelThatNobodyServesIs404() throws IOException {
        assertOpenAiError(
                RawClient.post(rig.port(), COMPLETION, "{\"model\":\"none\",\"prompt\":\"a\"}"),
                404,
                "model_not_found");
    }

    @Test
    void aBodyThatStallsIs408() throws IOException {
        try (RawClient client = RawClient.open(rig.port())) {
            client.write("POST /v1/completions HTTP/1.1\r\nhost: g\r\ncontent-type: application/json\r\n"
                    + "content-length: 100\r\n\r\n{\"model\":");

            assertOpenAiError(client.read(), 408, "request_timeout");
            assertThat(client.closedByGateway()).isTrue();
        }
    }

    @Test
    void modelsAndHealthFollowTheWorkers() throws IOException {
        Poll.until("ok", () -> health(200).equals("ok"));
        assertThat(models()).containsExactly("other", "tiny");

        two.down();
        Poll.until("degraded", () -> health(200).equals("degraded"));
        assertThat(models()).contains("tiny");
        one.down();
        Poll.until("down", () -> health(503).equals("down"));
        assertThat(RawClient.get(rig.port(), "/readyz").status()).isEqualTo(503);
        assertThat(RawClient.get(rig.port(), "/livez").status()).isEqualTo(200);
        assertThat(RawClient.get(rig.port(), "/v1/models").status()).isEqualTo(200);

        one.up();
        two.up();
        rig.awaitWorkersUp();
        Poll.until("ok", () -> health(200).equals("ok"));
    }

    @Test
    void generateAnswersWhatAPersonCanRead() throws IOException {
        Answer answer = RawClient.post(
                rig.port(), "/generate", "{\"model\":\"tiny\",\"prompt\":\"hi\",\"max_tokens\":4,\"temperature\":0.5}");

        assertThat(answer.status()).as(answer.toString()).isEqualTo(200);
        JsonNode body = json(answer);
        assertThat(body.propertyNames())
                .containsExactly("text", "model", "finish_reason", "usage", "workers", "request_id");
        assertThat(body.path("text").asString()).isEqualTo(" there");
        assertThat(body.path("workers").path("decode").asString()).isEqualTo("w1");
        assertThat(body.path("workers").path("prefill").isNull()).isTrue();
        assertThat(body.path("request_id").asString()).isEqualTo(answer.header("x-request-id"));
        assertThat(one.received()).singleElement().satisfies(seen -> {
            assertThat(seen.path()).isEqualTo(COMPLETION);
            assertThat(JsonMapper.shared().readTree(seen.body()))
                    .isEqualTo(JsonMapper.shared()
                            .readTree("{\"model\":\"tiny\",\"prompt\":\"hi\",\"max_tokens\":4,\"temperature\":0.5}"));
        });
    }

    @Test
    void aTranscriptionStreamsThroughUnbuffered() throws IOException {
        String multipart = "--b\r\ncontent-disposition: form-data; name=\"model\"\r\n\r\ntiny\r\n--b\r\n"
                + "content-disposition: form-data; name=\"file\"; filename=\"a.wav\"\r\n\r\n"
                + "RIFF".repeat(20_000) + "\r\n--b--\r\n";
        int half = multipart.length() / 2;
        try (RawClient client = RawClient.open(rig.port())) {
            client.write("POST /v1/audio/transcriptions HTTP/1.1\r\nhost: g\r\n"
                    + "content-type: multipart/form-data; boundary=b\r\ncontent-length: " + multipart.length()
                    + "\r\n\r\n" + multipart.substring(0, half));
            Poll.until("first bytes at an engine", () -> one.bodyBytes() + two.bodyBytes() > 0);
            assertThat(one.received().size() + two.received().size()).isZero();
            client.write(multipart.substring(half));

            assertThat(client.read().status()).isEqualTo(200);
        }
        RawEngine.Received seen = Stream.of(one, two)
                .flatMap(engine -> engine.received().stream())
                .findFirst()
                .orElseThrow();
        assertThat(seen.text()).isEqualTo(multipart);
        assertThat(seen.head().header("content-type")).contains("multipart/form-data; boundary=b");
    }

    @Test
    void eachPortServesItsOwnPathsOnly() throws IOException {
        int management = rig.managementPort();
        assertThat(RawClient.post(management, COMPLETION, ASK).status()).isEqualTo(404);
        assertThat(RawClient.get(management, "/v1/models").status()).isEqualTo(404);
        assertThat(RawClient.get(management, "/metrics").text()).contains("tandem_in_flight");
        assertThat(RawClient.get(management, "/healthz").status()).isEqualTo(200);
        assertThat(RawClient.get(rig.port(), "/metrics").status()).isEqualTo(404);
    }

    private String health(int status) {
        try {
            Answer answer = RawClient.get(rig.port(), "/healthz");
            return answer.status() == status ? json(answer).path("status").asString() : "status " + answer.status();
        } catch (IOException e) {
            throw new AssertionError(e);
        }
    }

    private List<String> models() throws IOException {
        return json(RawClient.get(rig.port(), "/v1/models"))
                .path("data")
                .valueStream()
                .map(model -> model.path("id").asString())
                .toList();
    }

    private static JsonNode json(Answer answer) {
        return JsonMapper.shared().readTree(answer.text());
    }

    private static void assertOpenAiError(Answer answer, int status, String code) {
        assertThat(answer.status()).as(answer.toString()).isEqualTo(status);
        assertThat(answer.header("content-type")).startsWith("application/json");
        JsonNode error = json(answer).path("error");
        assertThat(error.path("code").asString()).isEqualTo(code);
        assertThat(error.path("message").asString()).isNotEmpty();
        assertThat(error.path("type").asString()).isNotEmpty();
        assertThat(error.has("param")).isTrue();
    }
}
