// SPDX-License-Identifier: Apache-2.0
package dev.tandem.gateway.it;

import static org.assertj.core.api.Assertions.assertThat;

import dev.tandem.core.fleet.Role;
import dev.tandem.gateway.it.RawClient.Answer;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.TestInstance.Lifecycle;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.MethodSource;

/** Streams of events: at once, as they are, and with a clear end whatever happens. */
@TestInstance(Lifecycle.PER_CLASS)
@Timeout(value = 90, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
@SuppressWarnings("StringConcatToTextBlock") // HTTP and event streams are read best as they are on the wire
final class StreamingIT {
    private static final String CHAT = "/v1/chat/completions";
    private static final String ASK =
            "{\"model\":\"tiny\",\"stream\":true,\"messages\":[{\"role\":\"user\",\"content\":\"hi\"}]}";
    private static final String ASK_MESSAGES = "{\"model\":\"tiny\",\"stream\":true,\"max_tokens\":9,\"messages\":[]}";
    private static final String FIRST = "data: {\"choices\":[{\"index\":0,\"delta\":{\"content\":\"one\"}}]}\n\n";
    private static final String SECOND =
            "data: {\"choices\":[{\"index\":0,\"delta\":{\"content\":\"zw\u00f6i\"}}]}\n\n";
    private static final String DONE = "data: [DONE]\n\n";

    private RawEngine engine;
    private GatewayRig rig;

    @BeforeAll
    void start() throws IOException {
        engine = RawEngine.start("tiny");
        rig = GatewayRig.setup()
                .worker("w1", engine.url(), Role.UNIFIED)
                .set("tandem.engine.stream-silence", "1s")
                .set("tandem.health.failures-down", "1000000")
                .start();
    }

    @AfterAll
    void stop() throws IOException {
        rig.close();
        engine.close();
    }

    @AfterEach
    void nothingIsLeft() {
        rig.assertNothingLeft();
        engine.clear();
    }

    @Test
    void theFirstEventArrivesBeforeTheSecondIsSent() throws IOException {
        CountDownLatch firstSeen = new CountDownLatch(1);
        engine.on((request, wire) -> {
            wire.stream();
            wire.chunk(FIRST);
            if (firstSeen.await(20, TimeUnit.SECONDS)) {
                wire.chunk(SECOND);
                wire.chunk(DONE);
                wire.end();
            }
        });
        try (RawClient client = RawClient.open(rig.port())) {
            HttpReader.Head head = client.send(CHAT, ASK).head();
            assertThat(client.event()).isEqualTo(FIRST);
            firstSeen.countDown();

            Answer rest = client.rest(head);
            assertThat(rest.text()).isEqualTo(SECOND + DONE);
            assertThat(rest.whole()).isTrue();
            assertThat(rest.header("content-type")).isEqualTo("text/event-stream; charset=utf-8");
        }
    }

    @Test
    void theHeadArrivesWithTheFirstEvent() throws IOException {
        CountDownLatch headSeen = new CountDownLatch(1);
        engine.on((request, wire) -> {
            wire.stream();
            wire.chunk(FIRST);
            if (headSeen.await(20, TimeUnit.SECONDS)) {
                wire.chunk(DONE);
                wire.end();
            }
        });
        try (RawClient client = RawClient.open(rig.port())) {
            HttpReader.Head head = client.send(CHAT, ASK).head();
            headSeen.countDown();

            assertThat(client.rest(head).text()).isEqualTo(FIRST + DONE);
        }
    }

    @Test
    void piecesOfAnEventPassAsTheyCome() throws IOException {
        CountDownLatch halfSeen = new CountDownLatch(1);
        String rest = SECOND.substring(17) + ": a comment\r\n\r\nevent: x\ndata: 1\ndata: 2\n\n" + DONE;
        engine.on((request, wire) -> {
            wire.stream();
            wire.chunk(FIRST);
            wire.chunk(SECOND.substring(0, 17));
            if (halfSeen.await(20, TimeUnit.SECONDS)) {
                wire.chunk(rest);
                wire.end();
            }
        });
        try (RawClient client = RawClient.open(rig.port())) {
            HttpReader.Head head = client.send(CHAT, ASK).head();
            assertThat(client.text(FIRST.length() + 17)).isEqualTo(FIRST + SECOND.substring(0, 17));
            halfSeen.countDown();

            assertThat(client.rest(head).text()).isEqualTo(rest);
        }
    }

    @Test
    void halfOfTheFirstEventIsHeldBackSoThatAnotherWorkerCanStillServe() throws IOException {
        AtomicInteger asked = new AtomicInteger();
        engine.on((request, wire) -> {
            wire.stream();
            wire.chunk(FIRST.substring(0, 17));
            asked.incrementAndGet();
            wire.reset();
        });

        assertThat(RawClient.post(rig.port(), CHAT, ASK).status()).isEqualTo(502);
        assertThat(asked).hasPositiveValue();
    }

    /** How a stream ends without having said that it is complete. */
    enum BreakOff {
        /** TCP reset. */
        RESET,
        /** The connection is closed inside the chunked body. */
        CLOSED,
        /** The body ends well, but there is no end marker in it. */
        NO_DONE,
        /** The worker says nothing more. */
        SILENCE;

        private void on(RawEngine.Wire wire) throws IOException {
            switch (this) {
                case RESET -> wire.reset();
                case CLOSED -> wire.close();
                case NO_DONE -> wire.end();
                case SILENCE -> wire.awaitPeerGone();
            }
        }
    }

    @ParameterizedTest
    @EnumSource
    void aStreamThatBreaksOffEndsWithOneErrorEvent(BreakOff how) throws IOException {
        assertBreakOff(how, CHAT, ASK, "data: {\"error\":{");
    }

    @ParameterizedTest
    @EnumSource
    void aStreamOfMessagesBreaksOffInItsOwnShape(BreakOff how) throws IOException {
        assertBreakOff(how, "/v1/messages", ASK_MESSAGES, "event: error\ndata: {\"type\":\"error\",\"error\":{");
    }

    /** All has been said: whatever becomes of the connection afterwards, no error follows. */
    @ParameterizedTest
    @EnumSource(names = {"RESET", "CLOSED"})
    void aStreamThatBreaksBehindItsEndMarkerIsWhole(BreakOff how) throws IOException {
        CountDownLatch allSeen = new CountDownLatch(1);
        engine.on((request, wire) -> {
            wire.stream();
            wire.chunk(FIRST + DONE);
            if (allSeen.await(20, TimeUnit.SECONDS)) {
                how.on(wire);
            }
        });
        try (RawClient client = RawClient.open(rig.port())) {
            HttpReader.Head head = client.send(CHAT, ASK).head();
            assertThat(client.event() + client.event()).isEqualTo(FIRST + DONE);
            allSeen.countDown();
            Answer rest = client.rest(head);

            assertThat(rest.text()).isEmpty();
            assertThat(rest.whole()).as("framing ends").isTrue();
        }
    }

    /** As the SDKs of OpenAI do, which close the connection then. */
    @Test
    void aClientThatLeavesBehindTheEndMarkerHasGotAll() throws IOException {
        double completed = rig.metric("tandem_requests_total", "outcome=\"completed\"");
        double left = rig.metric("tandem_requests_total", "outcome=\"client_left\"");
        engine.on((request, wire) -> {
            wire.stream();
            wire.chunk(FIRST);
            wire.chunk(DONE);
            wire.awaitPeerGone();
        });
        try (RawClient client = RawClient.open(rig.port())) {
            client.send(CHAT, ASK).head();
            assertThat(client.event() + client.event()).isEqualTo(FIRST + DONE);
        }
        Poll.until("completed", () -> rig.metric("tandem_requests_total", "outcome=\"completed\"") == completed + 1);
        assertThat(rig.metric("tandem_requests_total", "outcome=\"client_left\""))
                .isEqualTo(left);
    }

    @Test
    void aWorkerIsFreeBeforeTheClientSeesTheEndMarker() throws IOException {
        CountDownLatch looked = new CountDownLatch(1);
        engine.on((request, wire) -> {
            wire.stream();
            wire.chunk(FIRST);
            wire.chunk(DONE.substring(0, 9));
            wire.chunk(DONE.substring(9));
            if (looked.await(20, TimeUnit.SECONDS)) {
                wire.end();
            }
        });
        try (RawClient client = RawClient.open(rig.port())) {
            HttpReader.Head head = client.send(CHAT, ASK).head();
            assertThat(client.event() + client.event()).isEqualTo(FIRST + DONE);
            assertThat(rig.metric("tandem_worker_in_flight")).isZero();
            looked.countDown();
            assertThat(client.rest(head).whole()).isTrue();
        }
    }

    @Test
    void aStreamThatTellsOfTheEndMarkerAndBreaksOffHasNotEnded() throws IOException {
        String said = FIRST.replace("one", "data: [DONE]");
        engine.on((request, wire) -> {
            wire.stream();
            wire.chunk(said);
            wire.close();
        });

        assertThat(RawClient.post(rig.port(), CHAT, ASK).text()).startsWith(said + "data: {\"error\":{");
    }

    private void assertBreakOff(BreakOff how, String path, String ask, String error) throws IOException {
        double before = rig.metric("tandem_requests_total", "outcome=\"truncated\"");
        CountDownLatch firstSeen = new CountDownLatch(1);
        engine.on((request, wire) -> {
            wire.stream();
            wire.chunk(FIRST);
            if (firstSeen.await(20, TimeUnit.SECONDS)) {
                how.on(wire);
            }
        });
        try (RawClient client = RawClient.open(rig.port())) {
            HttpReader.Head head = client.send(path, ask).head();
            assertThat(client.event()).isEqualTo(FIRST);
            firstSeen.countDown();
            Answer rest = client.rest(head);

            assertThat(rest.text()).startsWith(error).endsWith("}\n\n").doesNotContain("[DONE]");
            assertThat(rest.text().split("error\":\\{", -1)).hasSize(2);
            assertThat(rest.text().strip().lines().filter(String::isBlank)).isEmpty();
            assertThat(rest.whole()).as("framing ends").isTrue();
        }
        Poll.until(
                "outcome truncated", () -> rig.metric("tandem_requests_total", "outcome=\"truncated\"") == before + 1);
    }

    @Test
    void garbagePassesThrough() throws IOException {
        String garbage = "no event at all \u0000\uFFFD \u001b[31m\r\n\n\ndata: {\"half\n\n";
        engine.on((request, wire) -> {
            wire.stream();
            wire.chunk(FIRST);
            wire.chunk(garbage);
            wire.chunk(DONE);
            wire.end();
        });
        assertThat(RawClient.post(rig.port(), CHAT, ASK).text()).isEqualTo(FIRST + garbage + DONE);
    }

    private static Stream<Arguments> errorsOfTheEngine() {
        String error =
                "data: {\"error\":{\"message\":\"EngineCore died\",\"type\":\"InternalServerError\",\"code\":500}}\n\n";
        String ofMessages = "event: error\ndata: {\"type\":\"error\",\"error\":{\"type\":\"api_error\"}}\n\n";
        return Stream.of(
                Arguments.of(CHAT, ASK, error),
                Arguments.of(CHAT, ASK, error + DONE),
                Arguments.of("/v1/messages", ASK_MESSAGES, ofMessages));
    }

    /** Nothing is added to it, however the connection ends, and the stream counts as cut. */
    @ParameterizedTest
    @MethodSource("errorsOfTheEngine")
    void anErrorEventOfTheEnginePassesThrough(String path, String ask, String error) throws IOException {
        for (BreakOff end : List.of(BreakOff.NO_DONE, BreakOff.CLOSED)) {
            double before = rig.metric("tandem_requests_total", "outcome=\"truncated\"");
            engine.on((request, wire) -> {
                wire.stream();
                wire.chunk(FIRST);
                wire.chunk(error);
                end.on(wire);
            });
            Answer answer = RawClient.post(rig.port(), path, ask);

            assertThat(answer.text()).isEqualTo(FIRST + error);
            assertThat(answer.whole()).isTrue();
            Poll.until("counted", () -> rig.metric("tandem_requests_total", "outcome=\"truncated\"") == before + 1);
        }
    }

    @Test
    void aStreamWithoutChunksThatLastsUntilTheConnectionCloses() throws IOException {
        engine.on((request, wire) -> {
            wire.write("HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\nconnection: close\r\n\r\n");
            wire.write(FIRST + DONE);
            wire.close();
        });
        Answer answer = RawClient.post(rig.port(), CHAT, ASK);

        assertThat(answer.text()).isEqualTo(FIRST + DONE);
        assertThat(answer.whole()).isTrue();
    }

    @Test
    void aConnectionServesTheNextRequestAfterABrokenStream() throws IOException {
        engine.on((request, wire) -> {
            wire.stream();
            wire.chunk(FIRST);
            wire.close();
        });
        try (RawClient client = RawClient.open(rig.port())) {
            assertThat(client.send(CHAT, ASK).read().text()).contains("\"error\"");
            engine.on((request, wire) -> wire.json(200, "{\"ok\":true}"));

            byte[] ask = ASK.replace("true", "false").getBytes(StandardCharsets.UTF_8);
            assertThat(client.send("POST", CHAT, ask).read().text()).isEqualTo("{\"ok\":true}");
        }
    }
}
