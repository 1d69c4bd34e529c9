// SPDX-License-Identifier: Apache-2.0
package dev.tandem.gateway.it;

import static org.assertj.core.api.Assertions.assertThat;

import ch.qos.logback.classic.Level;
import ch.qos.logback.classic.Logger;
import ch.qos.logback.classic.LoggerContext;
import ch.qos.logback.classic.spi.ILoggingEvent;
import ch.qos.logback.classic.spi.ThrowableProxyUtil;
import ch.qos.logback.core.AppenderBase;
import dev.tandem.core.fleet.Role;
import dev.tandem.gateway.it.RawClient.Answer;
import java.io.IOException;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CopyOnWriteArrayList;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.TestInstance.Lifecycle;
import org.junit.jupiter.api.Timeout;
import org.slf4j.LoggerFactory;

/** What crosses the gateway in each direction besides bodies, and what must not; and what its log keeps to itself. */
@TestInstance(Lifecycle.PER_CLASS)
@Timeout(value = 90, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
@SuppressWarnings("StringConcatToTextBlock") // HTTP and event streams are read best as they are on the wire
final class CrossingIT {
    private static final String PATH = "/v1/completions";
    private static final String CANARY = "canary-7f3a9";
    private static final String WHOLE = "{\"choices\":[],\"usage\":{\"prompt_tokens\":1,\"completion_tokens\":1}}";
    private static final String[] HOSTILE = {
        "authorization: Bearer " + CANARY,
        "x-api-key: " + CANARY,
        "api-key: " + CANARY,
        "cookie: session=" + CANARY,
        "proxy-authorization: Basic " + CANARY,
        "x-request-id: ___prefill_addr_" + CANARY,
        "x-forwarded-for: " + CANARY,
        "forwarded: for=" + CANARY,
        "x-kv-target: " + CANARY,
        "x-data-parallel-rank: 3",
        "x-vllm-request-id: " + CANARY,
        "x-prefiller-host-port: " + CANARY,
        "x-sim-fault: {\"kind\":\"status\"}",
        "user-agent: " + CANARY,
        "referer: " + CANARY,
        "origin: http://" + CANARY,
        "expect-nothing: " + CANARY
    };

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
                .set("tandem.workers[1].api-key", "key-of-d1")
                .set("tandem.health.failures-down", "1000000")
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
        prefill.clear();
        decode.clear();
    }

    @Test
    void anAnswerExplainsItself() throws IOException {
        Answer answer = RawClient.post(rig.port(), PATH, ask());

        assertThat(answer.header("x-request-id")).matches("[0-9a-f]{16}");
        assertThat(answer.header("x-tandem-prefill")).isEqualTo("p1");
        assertThat(answer.header("x-tandem-decode")).isEqualTo("d1");
        assertThat(answer.header("x-tandem-policy")).isNotEmpty();
        assertThat(answer.header("x-tandem-attempts")).isEqualTo("1");
        assertThat(answer.find("x-tandem-simulated")).isEmpty();
        assertThat(answer.header("server-timing"))
                .matches("queue;dur=[0-9.]+, decision;dur=[0-9.]+, prefill;dur=[0-9.]+, first-byte;dur=[0-9.]+");
        assertThat(List.of(prefill, decode))
                .allSatisfy(engine -> assertThat(engine.received())
                        .singleElement()
                        .satisfies(seen -> assertThat(seen.head().header("x-request-id"))
                                .contains(answer.header("x-request-id"))));
    }

    @Test
    void onlyHarmlessHeadersOfAClientReachAnEngine() throws IOException {
        Answer answer = RawClient.ask(
                rig.port(),
                "POST",
                PATH + "?key=" + CANARY,
                ask().getBytes(java.nio.charset.StandardCharsets.UTF_8),
                HOSTILE);

        assertThat(answer.status()).as(answer.toString()).isEqualTo(200);
        for (RawEngine engine : List.of(prefill, decode)) {
            RawEngine.Received seen = engine.received().getFirst();
            assertThat(seen.head().first()).isEqualTo("POST " + PATH + " HTTP/1.1");
            assertThat(seen.head().headers().toString()).doesNotContain(CANARY);
            assertThat(seen.head().headers().stream().map(Map.Entry::getKey))
                    .isSubsetOf(
                            "host",
                            "user-agent",
                            "accept",
                            "content-type",
                            "content-length",
                            "authorization",
                            "x-request-id");
        }
        assertThat(prefill.received().getFirst().head().header("authorization")).isEmpty();
        assertThat(decode.received().getFirst().head().header("authorization")).contains("Bearer key-of-d1");
    }

    @Test
    void tracingAndVersionHeadersPass() throws IOException {
        String parent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
        RawClient.post(
                rig.port(), PATH, ask(), "traceparent: " + parent, "tracestate: a=b", "anthropic-version: 2023-06-01");

        assertThat(decode.received()).singleElement().satisfies(seen -> {
            assertThat(seen.head().header("traceparent")).contains(parent);
            assertThat(seen.head().header("tracestate")).contains("a=b");
            assertThat(seen.head().header("anthropic-version")).contains("2023-06-01");
        });
    }

    @Test
    void noHeaderOfAnEngineButAFewReachesAClient() throws IOException {
        decode.on((request, wire) -> wire.write("HTTP/1.1 200 OK\r\ncontent-type: application/json; x=y\r\n"
                + "cache-control: no-cache\r\nserver: uvicorn\r\nlocation: " + decode.url() + "\r\nset-cookie: a=b\r\n"
                + "x-request-id: theirs\r\nx-tandem-decode: liar\r\nx-engine: " + decode.url() + "\r\n"
                + "access-control-allow-origin: *\r\ncontent-length: 2\r\n\r\n{}"));
        Answer answer = RawClient.post(rig.port(), PATH, ask());

        assertThat(answer.header("content-type")).isEqualTo("application/json; x=y");
        assertThat(answer.header("cache-control")).isEqualTo("no-cache");
        assertThat(answer.header("x-request-id")).isNotEqualTo("theirs");
        assertThat(answer.header("x-tandem-decode")).isEqualTo("d1");
        assertThat(answer.headers().stream().map(Map.Entry::getKey))
                .doesNotContain("server", "location", "set-cookie", "x-engine", "access-control-allow-origin");
        assertNoAddress(answer);
        decode.on((request, wire) -> wire.json(200, WHOLE));
    }

    @Test
    void noAnswerOfTheGatewayNamesAnAddress() throws IOException {
        for (String path : List.of("/healthz", "/readyz", "/v1/models", "/nowhere")) {
            assertNoAddress(RawClient.get(rig.port(), path));
        }
        for (int port : new int[] {rig.port(), rig.managementPort()}) {
            assertNoAddress(RawClient.get(port, "/healthz"));
        }
        assertNoAddress(RawClient.get(rig.managementPort(), "/metrics"));
        decode.down();
        prefill.down();
        try {
            Answer down = RawClient.post(rig.port(), PATH, ask());
            assertThat(down.status()).isGreaterThanOrEqualTo(500);
            assertNoAddress(down);
            assertNoAddress(RawClient.get(rig.port(), "/healthz"));
        } finally {
            decode.up();
            prefill.up();
            rig.awaitWorkersUp();
        }
    }

    @Test
    void nothingThatAClientSendsIsLogged() throws IOException {
        List<String> lines = new CopyOnWriteArrayList<>();
        LoggerContext logging = (LoggerContext) LoggerFactory.getILoggerFactory();
        Logger root = logging.getLogger(org.slf4j.Logger.ROOT_LOGGER_NAME);
        Logger access = logging.getLogger("tandem.access");
        Logger ours = logging.getLogger("dev.tandem.gateway");
        AppenderBase<ILoggingEvent> capture = new AppenderBase<>() {
            @Override
            protected void append(ILoggingEvent event) {
                String thrown =
                        event.getThrowableProxy() == null ? "" : ThrowableProxyUtil.asString(event.getThrowableProxy());
                lines.add(event.getLoggerName() + " " + event.getFormattedMessage() + thrown);
            }
        };
        capture.setContext(logging);
        capture.start();
        root.addAppender(capture);
        access.addAppender(capture);
        Level before = ours.getLevel();
        ours.setLevel(Level.DEBUG);
        try {
            provoke();
            Poll.until(
                    "access lines",
                    () -> lines.stream()
                                    .filter(line -> line.startsWith("tandem.access"))
                                    .count()
                            >= 6);
        } finally {
            ours.setLevel(before);
            root.detachAppender(capture);
            access.detachAppender(capture);
        }

        assertThat(lines).noneMatch(line -> line.contains(CANARY));
        assertThat(lines).noneMatch(line -> line.contains("key-of-d1"));
    }

    /** Good requests and every way of going wrong, each with the canary wherever a client can put it. */
    private void provoke() throws IOException {
        String body = ask().replace("words", CANARY);
        String answer = WHOLE.replace("[]", "[{\"text\":\"" + CANARY + "\"}]");
        String query = PATH + "?key=" + CANARY;
        decode.on((request, wire) -> wire.json(200, answer));
        post(query, body);
        decode.on((request, wire) -> wire.json(400, answer));
        post(query, body);
        decode.on((request, wire) -> wire.json(500, answer));
        post(query, body);
        decode.on((request, wire) -> wire.reset());
        post(query, body);
        decode.on((request, wire) -> {
            wire.stream();
            wire.chunk("data: " + CANARY + "\n\n");
            wire.reset();
        });
        post(query, body.replace("{", "{\"stream\":true,"));
        post(query, "{\"prompt\":" + CANARY);
        post("/nowhere/" + CANARY, body);
        decode.on((request, wire) -> wire.json(200, WHOLE));
    }

    private void post(String path, String body) throws IOException {
        RawClient.ask(rig.port(), "POST", path, body.getBytes(java.nio.charset.StandardCharsets.UTF_8), HOSTILE);
    }

    private void assertNoAddress(Answer answer) {
        assertThat(answer.toString())
                .doesNotContain(
                        "127.0.0.1",
                        "localhost",
                        ":" + prefill.url().getPort(),
                        ":" + decode.url().getPort());
    }

    private static String ask() {
        return "{\"model\":\"tiny\",\"max_tokens\":9,\"prompt\":\"" + "some words ".repeat(200) + "\"}";
    }
}
