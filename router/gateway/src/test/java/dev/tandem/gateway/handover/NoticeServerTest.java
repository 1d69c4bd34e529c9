// SPDX-License-Identifier: Apache-2.0
package dev.tandem.gateway.handover;

import static org.assertj.core.api.Assertions.assertThat;

import dev.tandem.core.time.FakeTicker;
import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import reactor.core.scheduler.Schedulers;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

@Timeout(60)
class NoticeServerTest {
    private static final String KEY = "0123456789abcdef";
    private static final String TELEMETRY = "/api/v1/telemetry";
    private static final String METASERVER = "/v1/metaserver";

    private final HttpClient client = HttpClient.newHttpClient();
    private final FakeTicker time = new FakeTicker();
    private final Heard heard = new Heard();
    private final Notices notices = new Notices(10, Schedulers.parallel(), heard);
    private NoticeServer server = open(AddressRanges.LOOPBACK, null);

    @AfterEach
    void close() {
        server.close();
        client.close();
    }

    @ParameterizedTest
    @CsvSource({
        "GET, /api/v1/telemetry",
        "PUT, /v1/metaserver",
        "POST, /",
        "POST, /v1/metaserver/",
        "POST, /api/v1/telemetry?x=1",
        "POST, /v1/models",
        "POST, /v1//metaserver",
        "POST, /%761/metaserver"
    })
    void servesItsTwoPathsAndNothingElse(String method, String path) throws Exception {
        HttpResponse<String> answer = send(request(path).method(method, BodyPublishers.ofString("{}")));

        assertThat(answer.statusCode()).isEqualTo(404);
        assertThat(error(answer).path("code").asString()).isEqualTo("unknown_path");
        assertThat(heard.silent()).isTrue();
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "",
                "null",
                "[]",
                "{",
                "{}",
                "{\"event\":7}",
                "{\"event\":\"request_store_finished\"}",
                "{\"event\":\"request_store_finished\",\"request_ids_set\":\"a\"}",
                "{\"event\":\"request_store_finished\",\"request_ids_set\":[7]}",
                "{\"event\":\"request_store_finished\",\"request_ids_set\":[],\"world_size\":0}",
                "{\"event\":\"request_store_finished\",\"request_ids_set\":[],\"kv_rank\":1}",
                "{\"event\":\"request_store_finished\",\"request_ids_set\":[],\"kv_rank\":\"0\"}",
                "{\"event\":\"request_store_finished\",\"request_ids_set\":[],\"kv_rank\":1e99}",
                "{\"event\":\"x\",\"event\":\"request_store_finished\",\"request_ids_set\":[]}",
                "{\"event\":\"request_store_finished\",\"request_ids_set\":[]} {}"
            })
    void refusesTelemetryThatIsNone(String body) throws Exception {
        HttpResponse<String> answer = post(TELEMETRY, body);

        assertThat(answer.statusCode()).isEqualTo(400);
        assertThat(error(answer).path("type").asString()).isEqualTo("invalid_request_error");
        assertThat(heard.next()).isEqualTo("notice malformed");
    }

    @Test
    void refusesEndlessNesting() throws Exception {
        assertThat(post(TELEMETRY, "{\"event\":" + "[".repeat(500_000)).statusCode())
                .isEqualTo(400);
    }

    @ParameterizedTest
    @ValueSource(strings = {TELEMETRY, METASERVER})
    void refusesABodyThatIsTooLarge(String path) throws Exception {
        HttpResponse<String> answer = post(path, " ".repeat(NoticeServer.MOST_BYTES + 1));

        assertThat(answer.statusCode()).isEqualTo(413);
        assertThat(error(answer).path("code").asString()).isEqualTo("request_too_large");
        assertThat(heard.next()).endsWith(" limited");
        assertThat(post(TELEMETRY, telemetry("[]", 0, 1)).statusCode()).isEqualTo(200);
    }

    @Test
    void letsNobodyInWhoIsNotAllowed() throws Exception {
        reopen(AddressRanges.of(List.of("10.0.0.0/8")), null);
        try (RawPeer stranger = RawPeer.from("127.0.0.1", server.port())) {
            stranger.awaitClose();
        }

        assertThat(heard.next()).isEqualTo("notice refused");
    }

    @ParameterizedTest
    @ValueSource(strings = {"", "Bearer", "Bearer wrong", "Basic secret", "bearer secret", "secret"})
    void wantsItsTokenWhenItHasOne(String credentials) throws Exception {
        reopen(AddressRanges.LOOPBACK, "secret");
        notices.expect(KEY);
        HttpResponse<String> answer = send(request(METASERVER)
                .header("authorization", credentials)
                .POST(BodyPublishers.ofString("{\"request_id\":\"" + KEY + "\"}")));

        assertThat(answer.statusCode()).isEqualTo(401);
        assertThat(error(answer).path("code").asString()).isEqualTo("unauthorized");
        assertThat(heard.next()).isEqualTo("callback refused");
        assertThat(heard.silent()).isTrue();
    }

    @Test
    void knowsItsToken() throws Exception {
        reopen(AddressRanges.LOOPBACK, "secret");
        HttpResponse<String> answer = send(request(TELEMETRY)
                .header("authorization", "Bearer secret")
                .POST(BodyPublishers.ofString(telemetry("[]", 0, 1))));

        assertThat(answer.statusCode()).isEqualTo(200);
    }

    @Test
    void slowsWhoSendsTooMuch() throws Exception {
        String other = "POST /api/v1/telemetry HTTP/1.1\r\nhost: x\r\ncontent-length: 13\r\n\r\n{\"event\":\"x\"}";
        try (RawPeer engine = RawPeer.from("127.0.0.1", server.port())) {
            engine.text(other.repeat(NoticeServer.REQUESTS_PER_SECOND));
            for (int i = 0; i < NoticeServer.REQUESTS_PER_SECOND; i++) {
                assertThat(heard.next()).isEqualTo("notice unknown");
            }
        }
        HttpResponse<String> answer = post(TELEMETRY, telemetry("[]", 0, 1));
        assertThat(answer.statusCode()).isEqualTo(429);
        assertThat(error(answer).path("code").asString()).isEqualTo("rate_limited");
        assertThat(heard.next()).isEqualTo("notice limited");

        time.advance(Duration.ofSeconds(1));
        assertThat(post(TELEMETRY, telemetry("[]", 0, 1)).statusCode()).isEqualTo(200);
    }

    @Test
    void saysWellToWhatNobodyWaitsFor() throws Exception {
        HttpResponse<String> answer = post(TELEMETRY, telemetry("[\"chatcmpl-" + KEY + "-0a1b2c3d\",\"x\"]", 0, 1));

        assertThat(answer.statusCode()).isEqualTo(200);
        assertThat(answer.headers().firstValue("content-type")).contains("application/json");
        assertThat(answer.body()).isEqualTo("{\"status\":\"ok\",\"notified\":0,\"total\":2}");
        assertThat(heard.next()).isEqualTo("notice unknown");
        assertThat(heard.next()).isEqualTo("notice unknown");
    }

    @Test
    void saysWellToOtherEvents() throws Exception {
        assertThat(post(TELEMETRY, "{\"event\":\"request_load_finished\"}").statusCode())
                .isEqualTo(200);
        assertThat(heard.next()).isEqualTo("notice unknown");
    }

    @Test
    void bringsTelemetryOfEveryRank() throws Exception {
        Awaited awaited = notices.expect(KEY);
        String ids = "[\"x\",\"chatcmpl-" + KEY + "-0a1b2c3d\"]";

        assertThat(post(TELEMETRY, telemetry(ids, 1, 2)).body())
                .isEqualTo("{\"status\":\"ok\",\"notified\":1,\"total\":2}");
        post(TELEMETRY, telemetry(ids, 0, 2));
        awaited.arrived(1).block(Duration.ofSeconds(20));
    }

    @Test
    void knowsNoCallThatNobodyWaitsFor() throws Exception {
        HttpResponse<String> answer = post(METASERVER, "{\"request_id\":\"chatcmpl-" + KEY + "\"}");

        assertThat(answer.statusCode()).isEqualTo(404);
        assertThat(heard.next()).isEqualTo("callback unknown");
    }

    @ParameterizedTest
    @CsvSource({"true, 200", "false, 502"})
    void answersACallWhenPrefillHasEnded(boolean well, int status) throws Exception {
        Awaited awaited = notices.expect(KEY);
        String call = "{\"request_id\":\"cmpl-" + KEY + "-0\", \"remote_block_ids\":[[1,2]], \"x\":1.00}";
        CompletableFuture<HttpResponse<String>> answer = client.sendAsync(
                request(METASERVER).POST(BodyPublishers.ofString(call)).build(), BodyHandlers.ofString());

        assertThat(awaited.callback().block(Duration.ofSeconds(20))).isEqualTo(call);
        assertThat(answer).isNotDone();
        awaited.prefillEnded(well);

        assertThat(answer.get(20, TimeUnit.SECONDS).statusCode()).isEqualTo(status);
        if (well) {
            assertThat(answer.get().body()).isEqualTo("{\"status\":\"ok\"}");
        } else {
            assertThat(error(answer.get()).path("code").asString()).isEqualTo("prefill_failed");
        }
    }

    @Test
    void aDecodeWorkerThatHangsUpHurtsNobody() throws Exception {
        Awaited awaited = notices.expect(KEY);
        String body = "{\"request_id\":\"" + KEY + "\"}";
        try (RawPeer engine = RawPeer.from("127.0.0.1", server.port())) {
            engine.text(
                    "POST /v1/metaserver HTTP/1.1\r\nhost: x\r\ncontent-length: " + body.length() + "\r\n\r\n" + body);
            assertThat(awaited.callback().block(Duration.ofSeconds(20))).isEqualTo(body);
        }
        awaited.prefillEnded(true);

        assertThat(post(METASERVER, body).body()).isEqualTo("{\"status\":\"ok\"}");
    }

    private static String telemetry(String ids, int rank, int of) {
        return "{\"event\":\"request_store_finished\",\"request_ids_set\":" + ids
                + ",\"model_name\":\"m\",\"world_size\":" + of + ",\"kv_rank\":" + rank + "}";
    }

    private static JsonNode error(HttpResponse<String> answer) {
        return JsonMapper.shared().readTree(answer.body()).path("error");
    }

    private HttpRequest.Builder request(String path) {
        return HttpRequest.newBuilder(URI.create("http://127.0.0.1:" + server.port() + path));
    }

    private HttpResponse<String> post(String path, String body) throws IOException, InterruptedException {
        return send(request(path).POST(BodyPublishers.ofString(body)));
    }

    private HttpResponse<String> send(HttpRequest.Builder request) throws IOException, InterruptedException {
        return client.send(request.build(), BodyHandlers.ofString());
    }

    private void reopen(AddressRanges allowed, @Nullable String token) {
        server.close();
        server = open(allowed, token);
    }

    private NoticeServer open(AddressRanges allowed, @Nullable String token) {
        return NoticeServer.open(new ListenerSettings("127.0.0.1", 0, allowed), token, notices, time, heard);
    }
}
