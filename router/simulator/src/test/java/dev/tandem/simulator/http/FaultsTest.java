// SPDX-License-Identifier: Apache-2.0
package dev.tandem.simulator.http;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.tandem.simulator.http.Fault.Kind;
import dev.tandem.simulator.http.RawClient.Response;
import java.io.EOFException;
import java.io.IOException;
import java.net.SocketException;
import java.net.SocketTimeoutException;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

class FaultsTest {
    private static final String PATH = "/v1/completions";
    private static final String STREAM = "{\"prompt\":\"hello\",\"max_tokens\":20,\"ignore_eos\":true,\"stream\":true}";
    private static final String WHOLE = "{\"prompt\":\"hello\",\"max_tokens\":20,\"ignore_eos\":true}";

    private SimulatedEngine engine;

    @BeforeEach
    void start() {
        engine = SimulatedEngine.start(EngineOptions.of("m", 0));
    }

    @AfterEach
    void stop() {
        engine.close();
    }

    private Response post(String body, String headers) throws IOException {
        try (RawClient client = new RawClient(engine.port())) {
            return client.send(RawClient.post(PATH, body, headers)).read();
        }
    }

    private Response get(String path) throws IOException {
        try (RawClient client = new RawClient(engine.port())) {
            return client.send("GET " + path + " HTTP/1.1\r\nHost: x\r\n\r\n").read();
        }
    }

    /** Returns everything that arrives until the server closes the connection. */
    private String untilClosed(String body) throws IOException {
        try (RawClient client = new RawClient(engine.port())) {
            return new String(client.send(RawClient.post(PATH, body)).readAll(), StandardCharsets.UTF_8);
        }
    }

    @Test
    void aStatusFiresAsOftenAsItIsArmed() throws IOException {
        engine.faults().add(Fault.of(Kind.STATUS).status(503).retryAfter("7").times(2));
        assertThat(get("/health").status()).isEqualTo(200);
        for (int i = 0; i < 2; i++) {
            Response response = post(STREAM, "");
            assertThat(response.status()).isEqualTo(503);
            assertThat(response.header("retry-after")).isEqualTo("7");
            assertThat(response.body()).contains("\"code\":503");
        }
        assertThat(post(STREAM, "").status()).isEqualTo(200);
    }

    @Test
    void aHeaderHitsOneRequest() throws IOException {
        String header = "x-sim-fault: {\"kind\":\"status\",\"status\":429}\r\n";
        assertThat(post(STREAM, header).status()).isEqualTo(429);
        assertThat(post(STREAM, "").status()).isEqualTo(200);
    }

    @Test
    void aHeaderIsIgnoredWithoutAdmin() throws IOException {
        try (SimulatedEngine strict =
                        SimulatedEngine.start(EngineOptions.of("m", 0).withAdmin(false));
                RawClient client = new RawClient(strict.port())) {
            String header = "x-sim-fault: {\"kind\":\"status\",\"status\":429}\r\n";
            assertThat(client.send(RawClient.post(PATH, WHOLE, header)).read().status())
                    .isEqualTo(200);
            assertThat(client.send("GET /sim/faults HTTP/1.1\r\nHost: x\r\n\r\n")
                            .read()
                            .status())
                    .isEqualTo(404);
        }
    }

    @Test
    void theAdminEndpointArmsAndClears() throws IOException {
        try (RawClient client = new RawClient(engine.port())) {
            String fault = "[{\"kind\":\"status\",\"status\":500,\"count\":0}]";
            assertThat(client.send(RawClient.post("/sim/faults", fault)).read().body())
                    .contains("\"status\":500");
            assertThat(client.send(RawClient.post(PATH, WHOLE)).read().status()).isEqualTo(500);
            assertThat(client.send("DELETE /sim/faults HTTP/1.1\r\nHost: x\r\n\r\n")
                            .read()
                            .body())
                    .isEqualTo("{\"faults\":[]}");
            assertThat(client.send(RawClient.post(PATH, WHOLE)).read().status()).isEqualTo(200);
            assertThat(client.send(RawClient.post("/sim/faults", "{\"kind\":\"nope\"}"))
                            .read()
                            .status())
                    .isEqualTo(400);
        }
    }

    @Test
    void aTruncatedStreamEndsWithoutItsEnd() throws IOException {
        engine.faults().add(Fault.of(Kind.TRUNCATE).after(3));
        String answer = untilClosed(STREAM);
        assertThat(answer.split("data: ", -1)).hasSize(4);
        assertThat(answer).doesNotContain("[DONE]").doesNotEndWith("0\r\n\r\n");
        assertThat(engine.journal().requests().getFirst().end()).isEqualTo(SeenRequest.End.BROKEN_BY_FAULT);
    }

    @Test
    void aTruncatedBodyIsShorterThanItsLength() {
        engine.faults().add(Fault.of(Kind.TRUNCATE).after(100));
        assertThatThrownBy(() -> post(WHOLE, ""))
                .isInstanceOf(EOFException.class)
                .hasMessageStartingWith("body ends after 100 ");
    }

    @Test
    void aResetBeforeTheHeadersLeavesNoByte() {
        engine.faults().add(Fault.of(Kind.RESET));
        assertThatThrownBy(() -> untilClosed(STREAM)).isInstanceOf(SocketException.class);
    }

    @Test
    void aResetInTheBodyComesAfterItsBytes() throws IOException {
        engine.faults().add(Fault.of(Kind.RESET).after(300));
        try (RawClient client = new RawClient(engine.port())) {
            client.send(RawClient.post(PATH, STREAM));
            StringBuilder seen = new StringBuilder();
            assertThatThrownBy(() -> {
                        for (int b = client.stream().read();
                                b >= 0;
                                b = client.stream().read()) {
                            seen.append((char) b);
                        }
                    })
                    .isInstanceOf(SocketException.class);
            int body = seen.indexOf("\r\n\r\n") + 4;
            assertThat(seen.length() - body).isEqualTo(300);
        }
    }

    @Test
    void aStallKeepsTheConnectionAndSaysNothing() throws IOException {
        engine.faults().add(Fault.of(Kind.STALL).after(2));
        try (RawClient client = new RawClient(engine.port())) {
            client.patience(Duration.ofMillis(300)).send(RawClient.post(PATH, STREAM));
            assertThatThrownBy(client::read).isInstanceOf(SocketTimeoutException.class);
        }
        engine.faults().add(Fault.of(Kind.STALL));
        try (RawClient client = new RawClient(engine.port())) {
            client.patience(Duration.ofMillis(300)).send(RawClient.post(PATH, STREAM));
            assertThatThrownBy(() -> client.stream().read()).isInstanceOf(SocketTimeoutException.class);
        }
    }

    @Test
    void anErrorEventIsFollowedByTheEndMarker() throws IOException {
        engine.faults().add(Fault.of(Kind.ERROR_EVENT).after(2));
        Response response = post(STREAM, "");
        assertThat(response.status()).isEqualTo(200);
        assertThat(response.chunks()).hasSize(4);
        assertThat(response.body()).contains("data: {\"error\": {").endsWith("data: [DONE]\n\n");
    }

    @Test
    void garbageStandsBetweenEvents() throws IOException {
        engine.faults().add(Fault.of(Kind.GARBAGE).after(2));
        Response response = post(STREAM, "");
        assertThat(response.chunks()).hasSize(22);
        assertThat(new String(response.chunks().get(2), StandardCharsets.UTF_8)).contains("no event at all");
    }

    @Test
    void anAnswerThatIsNoStreamIsNoJsonOrHalfOfOne() throws IOException {
        engine.faults().add(Fault.of(Kind.GARBAGE));
        assertThat(post(WHOLE, "").body()).contains("no event at all").doesNotContain("\"choices\"");
        engine.faults().add(Fault.of(Kind.SHORTEN).after(20));
        Response half = post(WHOLE, "");
        assertThat(half.status()).isEqualTo(200);
        assertThat(half.body()).hasSize(20).startsWith("{\"id\"");
    }

    @Test
    void whereKvIsHandedOverNotEverythingCanHappen() {
        assertThatThrownBy(() -> engine.faults().add(Fault.of(Kind.TRICKLE).on(Fault.KV)))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("trickle");
    }

    @Test
    void slowHeadersAndBodyArriveWhole() throws IOException {
        Response honest = post(WHOLE, "x-request-id: a\r\n");
        engine.faults().add(Fault.of(Kind.TRICKLE).after(50).pause(Duration.ofMillis(1)));
        Response slow = post(WHOLE, "x-request-id: a\r\n");
        assertThat(slow.body().replaceAll("\"created\":\\d+", ""))
                .isEqualTo(honest.body().replaceAll("\"created\":\\d+", ""));
    }

    @Test
    void healthLiesInBothDirections() throws IOException {
        engine.faults().add(Fault.of(Kind.HEALTH_DOWN));
        assertThat(get("/health").status()).isEqualTo(503);
        assertThat(post(WHOLE, "").status()).isEqualTo(200);
        engine.faults().clear();
        engine.faults().add(Fault.of(Kind.STATUS).on("*").times(0));
        assertThat(get("/health").status()).isEqualTo(500);
        engine.faults().add(Fault.of(Kind.HEALTH_UP).times(0));
        assertThat(get("/health").status()).isEqualTo(200);
        assertThat(post(WHOLE, "").status()).isEqualTo(500);
    }

    @Test
    void theListOfModelsMayBeEmpty() throws IOException {
        engine.faults().add(Fault.of(Kind.NO_MODELS));
        assertThat(get("/v1/models").body()).isEqualTo("{\"object\":\"list\",\"data\":[]}");
    }

    @Test
    void aCrashCutsTheRequestThatCausedIt() {
        engine.faults().add(Fault.of(Kind.CRASH));
        assertThatThrownBy(() -> untilClosed(STREAM)).isInstanceOf(SocketException.class);
    }

    @Test
    void aDelayedAnswerIsComplete() throws IOException {
        engine.faults().add(Fault.of(Kind.DELAY).pause(Duration.ofMillis(30)));
        assertThat(post(STREAM, "").chunks()).hasSize(21);
    }
}
