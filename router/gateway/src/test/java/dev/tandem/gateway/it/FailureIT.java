// SPDX-License-Identifier: Apache-2.0
package dev.tandem.gateway.it;

import static org.assertj.core.api.Assertions.assertThat;

import dev.tandem.core.fleet.Role;
import dev.tandem.gateway.it.RawClient.Answer;
import java.io.IOException;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.TestInstance.Lifecycle;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.MethodSource;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/**
 * Every leg with every fault: the client gets an answer or a clear error, another worker is tried where that is safe,
 * and nothing hangs or leaks.
 */
@TestInstance(Lifecycle.PER_CLASS)
@Timeout(value = 90, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
@SuppressWarnings("StringConcatToTextBlock") // HTTP and event streams are read best as they are on the wire
final class FailureIT {
    private static final String PATH = "/v1/completions";
    private static final String MESSAGES = "/v1/messages";
    private static final String WHOLE = "{\"id\":\"cmpl-1\",\"choices\":[]}";
    private static final String REJECTION = "{\"error\":{\"message\":\"too long, says the engine\",\"code\":400}}";
    private static final String STREAM = "data: {\"choices\":[]}\n\ndata: [DONE]\n\n";

    private RawEngine first;
    private RawEngine second;
    private RawEngine prefill;
    private GatewayRig alone;
    private GatewayRig unified;
    private GatewayRig pair;
    private List<RawEngine> engines = List.of();

    @BeforeAll
    void start() throws IOException {
        first = RawEngine.start("tiny");
        second = RawEngine.start("tiny");
        prefill = RawEngine.start("tiny");
        engines = List.of(first, second, prefill);
        alone = patient()
                .worker("u1", first.url(), Role.UNIFIED)
                // no connection outlives its answer: one that is just being closed would not be refused
                .set("tandem.engine.idle-timeout", "1ms")
                .start();
        unified = patient()
                .worker("u1", first.url(), Role.UNIFIED)
                .worker("u2", second.url(), Role.UNIFIED)
                .start();
        pair = patient()
                .worker("p1", prefill.url(), Role.PREFILL)
                .worker("d1", first.url(), Role.DECODE)
                .worker("d2", second.url(), Role.DECODE)
                .start();
    }

    /**
     * Only a refused connection takes a worker out, so that each cell meets the same fleet; and no connection is used
     * twice: whether a dead one has been noticed yet would be chance.
     */
    private static GatewayRig.Setup patient() {
        return GatewayRig.setup()
                .set("tandem.engine.stream-silence", "600ms")
                .set("tandem.engine.answer-silence", "600ms")
                .set("tandem.engine.idle-timeout", "1ms")
                .set("tandem.health.failures-down", "1000000")
                .set("tandem.health.probes-down", "1000000")
                .set("tandem.health.probes-up", "1");
    }

    @AfterAll
    void stop() throws IOException {
        alone.close();
        unified.close();
        pair.close();
        for (RawEngine engine : engines) {
            engine.close();
        }
    }

    @AfterEach
    void nothingIsLeft() {
        for (GatewayRig rig : List.of(alone, unified, pair)) {
            rig.assertNothingLeft();
            rig.awaitWorkersUp();
        }
        engines.forEach(RawEngine::clear);
    }

    /** What goes wrong with a leg, and what a client learns of it when nobody else can help. */
    enum Fault {
        /** Nobody listens. */
        REFUSED(502, "connect_failed", true),
        /** The engine fails. */
        STATUS_500(502, "engine_error", true),
        /** The engine is full. */
        STATUS_503(503, "engine_busy", true),
        /** The engine has a limit. */
        STATUS_429(503, "engine_busy", true),
        /** The engine finds fault with the request. */
        STATUS_400(400, "", false),
        /** The engine, or a proxy before it, did not get the request in time: the client's matter. */
        STATUS_408(408, "", false),
        /** The engine does not do that kind of request. */
        STATUS_501(501, "", false),
        /** The connection is reset before the answer. */
        RESET(502, "engine_dropped", true),
        /** The answer breaks off in its middle. */
        HALF_BODY(502, "engine_dropped", true),
        /** Nothing comes. */
        SILENCE(504, "engine_timeout", false);

        private final int status;
        private final String code;
        private final boolean repeatable;

        Fault(int status, String code, boolean repeatable) {
            this.status = status;
            this.code = code;
            this.repeatable = repeatable;
        }

        private void on(RawEngine.Wire wire) throws IOException {
            switch (this) {
                case REFUSED -> throw new IllegalStateException("refused connections carry no request");
                case STATUS_500 -> wire.json(500, "{\"error\":\"engine secret\"}");
                case STATUS_503 -> wire.json(503, "{\"error\":\"engine secret\"}");
                case STATUS_429 -> wire.json(429, "{\"error\":\"engine secret\"}");
                case STATUS_400 -> wire.json(400, REJECTION);
                case STATUS_408 -> wire.json(408, REJECTION);
                case STATUS_501 -> wire.json(501, REJECTION);
                case RESET -> wire.reset();
                case HALF_BODY -> {
                    wire.write("HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 99\r\n\r\n{\"a");
                    wire.close();
                }
                case SILENCE -> wire.awaitPeerGone();
            }
        }
    }

    static Stream<Arguments> cells() {
        return Arrays.stream(Fault.values())
                .flatMap(fault -> Stream.of(false, true).map(streaming -> Arguments.of(fault, streaming)))
                // a stream that has begun cannot be replaced: StreamingIT
                .filter(cell -> !(cell.get()[0] == Fault.HALF_BODY && Boolean.TRUE.equals(cell.get()[1])));
    }

    @ParameterizedTest
    @MethodSource("cells")
    void theOnlyWorkerFails(Fault fault, boolean streaming) throws IOException {
        Answer answer = whenOnlyWorkerFails(fault, PATH, streaming);

        assertThat(answer.status()).as(answer.toString()).isEqualTo(fault.status);
        assertThat(answer.header("x-tandem-attempts")).isEqualTo("1");
        if (fault.code.isEmpty()) {
            assertThat(answer.text()).isEqualTo(REJECTION);
            return;
        }
        JsonNode error = JsonMapper.shared().readTree(answer.text()).path("error");
        assertThat(error.path("code").asString()).isEqualTo(fault.code);
        assertThat(error.path("type").asString()).isEqualTo("upstream_error");
        assertThat(answer.text()).doesNotContain("secret", "127.0.0.1", "localhost");
        assertThat(answer.find("retry-after").isPresent()).isEqualTo(fault.status == 503);
    }

    @ParameterizedTest
    @EnumSource
    void theOnlyWorkerFailsAMessage(Fault fault) throws IOException {
        Answer answer = whenOnlyWorkerFails(fault, MESSAGES, false);

        assertThat(answer.status()).as(answer.toString()).isEqualTo(fault.status);
        if (fault.code.isEmpty()) {
            assertThat(answer.text()).isEqualTo(REJECTION);
            return;
        }
        JsonNode body = JsonMapper.shared().readTree(answer.text());
        assertThat(body.path("type").asString()).isEqualTo("error");
        assertThat(body.path("error").path("type").asString())
                .isEqualTo(fault.status == 503 ? "overloaded_error" : "api_error");
    }

    private Answer whenOnlyWorkerFails(Fault fault, String path, boolean streaming) throws IOException {
        if (fault == Fault.REFUSED) {
            first.down();
            try {
                return RawClient.post(alone.port(), path, ask("x", streaming));
            } finally {
                first.up();
            }
        }
        first.on((request, wire) -> fault.on(wire));
        Answer answer = RawClient.post(alone.port(), path, ask("x", streaming));
        assertThat(first.received()).as("asked once").hasSize(1);
        return answer;
    }

    @ParameterizedTest
    @MethodSource("cells")
    void oneOfTwoWorkersFails(Fault fault, boolean streaming) throws IOException {
        assertOtherWorkerTried(unified, fault, streaming);
    }

    @ParameterizedTest
    @MethodSource("cells")
    void oneOfTwoDecodeLegsFails(Fault fault, boolean streaming) throws IOException {
        prefill.on((request, wire) -> wire.json(200, WHOLE));

        Answer answer = assertOtherWorkerTried(pair, fault, streaming);

        int attempts = Integer.parseInt(answer.header("x-tandem-attempts"));
        assertThat(prefill.received()).as("prefill runs anew for each attempt").hasSizeGreaterThanOrEqualTo(attempts);
    }

    private Answer assertOtherWorkerTried(GatewayRig rig, Fault fault, boolean streaming) throws IOException {
        Answer answer =
                fault == Fault.REFUSED ? whenOneIsDown(rig, streaming) : whenFirstAskedFails(rig, fault, streaming);
        if (fault.repeatable) {
            assertAnswered(answer, streaming);
            assertThat(answer.header("x-tandem-attempts")).isEqualTo("2");
        } else {
            assertThat(answer.status()).as(answer.toString()).isEqualTo(fault.status);
            assertThat(answer.header("x-tandem-attempts")).isEqualTo("1");
        }
        return answer;
    }

    private Answer whenFirstAskedFails(GatewayRig rig, Fault fault, boolean streaming) throws IOException {
        AtomicInteger asked = new AtomicInteger();
        RawEngine.Behaviour behaviour = (request, wire) -> {
            if (asked.getAndIncrement() == 0) {
                fault.on(wire);
            } else {
                answer(wire, streaming);
            }
        };
        first.on(behaviour);
        second.on(behaviour);
        Answer answer = RawClient.post(rig.port(), PATH, ask("x", streaming));

        assertThat(asked.get()).isEqualTo(fault.repeatable ? 2 : 1);
        assertThat(List.of(first, second))
                .as("never the same worker twice")
                .allSatisfy(engine -> assertThat(engine.received()).hasSizeLessThanOrEqualTo(1));
        return answer;
    }

    /** The first request that meets the worker that is down takes it out, so ask until one does. */
    private Answer whenOneIsDown(GatewayRig rig, boolean streaming) throws IOException {
        second.on((request, wire) -> answer(wire, streaming));
        first.down();
        try {
            for (int i = 0; i < 40; i++) {
                Answer answer = RawClient.post(rig.port(), PATH, ask("prompt " + i, streaming));
                if (!answer.header("x-tandem-attempts").equals("1")) {
                    return answer;
                }
                assertAnswered(answer, streaming);
            }
            throw new AssertionError("no request met the worker that is down");
        } finally {
            first.up();
        }
    }

    @ParameterizedTest
    @MethodSource("cells")
    void thePrefillLegFails(Fault fault, boolean streaming) throws IOException {
        first.on((request, wire) -> answer(wire, streaming));
        second.on((request, wire) -> answer(wire, streaming));
        double before = pair.metric("tandem_leg_failures_total", "leg=\"prefill\"");
        Answer answer;
        if (fault == Fault.REFUSED) {
            prefill.down();
            try {
                answer = RawClient.post(pair.port(), PATH, ask("x", streaming));
            } finally {
                prefill.up();
            }
        } else {
            prefill.on((request, wire) -> fault.on(wire));
            answer = RawClient.post(pair.port(), PATH, ask("x", streaming));
            assertThat(prefill.received()).as("asked once").hasSize(1);
        }

        assertAnswered(answer, streaming);
        assertThat(answer.header("x-tandem-attempts")).as("decode alone").isEqualTo("1");
        assertThat(pair.metric("tandem_leg_failures_total", "leg=\"prefill\"")).isEqualTo(before + 1);
    }

    @ParameterizedTest
    @EnumSource(names = {"RESET", "HALF_BODY"})
    void aChunkedUnaryAnswerThatBreaksOffIsCutAndNotFinished(Fault fault) throws IOException {
        first.on((request, wire) -> {
            wire.write("HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ntransfer-encoding: chunked\r\n\r\n");
            wire.chunk("{\"half\":");
            if (fault == Fault.RESET) {
                wire.reset();
            } else {
                wire.close();
            }
        });
        try (RawClient client = RawClient.open(alone.port())) {
            Answer answer = client.send(PATH, ask("x", false)).read();

            assertThat(answer.whole()).as(answer.toString()).isFalse();
            assertThat(client.closedByGateway()).isTrue();
        }
    }

    private static void answer(RawEngine.Wire wire, boolean streaming) throws IOException {
        if (streaming) {
            wire.stream();
            wire.chunk(STREAM);
            wire.end();
        } else {
            wire.json(200, WHOLE);
        }
    }

    private static void assertAnswered(Answer answer, boolean streaming) {
        assertThat(answer.status()).as(answer.toString()).isEqualTo(200);
        assertThat(answer.text()).isEqualTo(streaming ? STREAM : WHOLE);
        assertThat(answer.whole()).isTrue();
    }

    /** A prompt that is long enough for a prefill leg. */
    private static String ask(String start, boolean streaming) {
        return "{\"model\":\"tiny\",\"stream\":" + streaming + ",\"max_tokens\":9,\"prompt\":\"" + start
                + " words".repeat(400) + "\"}";
    }
}
