// SPDX-License-Identifier: Apache-2.0
package dev.tandem.gateway.it;

import static org.assertj.core.api.Assertions.assertThat;

import dev.tandem.core.fleet.Role;
import java.io.IOException;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.TestInstance.Lifecycle;
import org.junit.jupiter.api.Timeout;

/** A client that leaves ends every leg that runs for it, at once. */
@TestInstance(Lifecycle.PER_CLASS)
@Timeout(value = 90, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
@SuppressWarnings("StringConcatToTextBlock") // HTTP and event streams are read best as they are on the wire
final class ClientGoneIT {
    private static final String PATH = "/v1/completions";
    private static final String ASK = "{\"model\":\"tiny\",\"prompt\":\"" + "long prompt ".repeat(200) + "\"}";
    private static final String ASK_STREAM = ASK.replace("{", "{\"stream\":true,");

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
    void whileItSendsItsBody() throws IOException {
        double before = left();
        try (RawClient client = RawClient.open(rig.port())) {
            client.write("POST /v1/completions HTTP/1.1\r\nhost: g\r\ncontent-type: application/json\r\n"
                    + "content-length: 1000000\r\n\r\n{\"model\":\"tiny\",\"prompt\":\"" + "x".repeat(100_000));
            Poll.until(
                    "the body is being held",
                    () -> rig.bean(dev.tandem.gateway.body.BodyCollector.class).bytesInFlight() > 0);
        }
        awaitLeft(before);
        assertThat(prefill.received()).isEmpty();
        assertThat(decode.received()).isEmpty();
    }

    @Test
    void whileThePrefillLegRuns() throws IOException {
        double before = left();
        prefill.on((request, wire) -> wire.awaitPeerGone());
        try (RawClient client = RawClient.open(rig.port())) {
            client.send(PATH, ASK);
            Poll.until("prefill runs", () -> prefill.received().size() == 1);
        }
        Poll.until("prefill leg cancelled", () -> prefill.peersGone() == 1);
        awaitLeft(before);
        assertThat(decode.received()).isEmpty();
    }

    @Test
    void whileTheDecodeLegOfAUnaryAnswerRuns() throws IOException {
        double before = left();
        prefill.on((request, wire) -> wire.json(200, "{}"));
        decode.on((request, wire) -> wire.awaitPeerGone());
        try (RawClient client = RawClient.open(rig.port())) {
            client.send(PATH, ASK);
            Poll.until("decode runs", () -> decode.received().size() == 1);
        }
        Poll.until("decode leg cancelled", () -> decode.peersGone() == 1);
        awaitLeft(before);
        assertThat(prefill.received()).hasSize(1);
    }

    @Test
    void whileHalfOfAUnaryAnswerHasCome() throws IOException {
        for (String framing : List.of("content-length: 1000", "transfer-encoding: chunked")) {
            double before = left();
            long gone = decode.peersGone();
            CountDownLatch written = new CountDownLatch(1);
            prefill.on((request, wire) -> wire.json(200, "{}"));
            decode.on((request, wire) -> {
                wire.write("HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n" + framing + "\r\n\r\n5\r\n{\"a\":");
                written.countDown();
                wire.awaitPeerGone();
            });
            try (RawClient client = RawClient.open(rig.port())) {
                client.send(PATH, ASK);
                assertThat(await(written)).isTrue();
            }
            Poll.until("decode leg cancelled: " + framing, () -> decode.peersGone() == gone + 1);
            awaitLeft(before);
        }
    }

    @Test
    void beforeTheFirstEventOfAStream() throws IOException {
        double before = left();
        prefill.on((request, wire) -> wire.json(200, "{}"));
        decode.on((request, wire) -> wire.awaitPeerGone());
        try (RawClient client = RawClient.open(rig.port())) {
            client.send(PATH, ASK_STREAM);
            Poll.until("decode runs", () -> decode.received().size() == 1);
        }
        Poll.until("decode leg cancelled", () -> decode.peersGone() == 1);
        awaitLeft(before);
    }

    @Test
    void insideAStream() throws IOException {
        double before = left();
        prefill.on((request, wire) -> wire.json(200, "{}"));
        decode.on((request, wire) -> {
            wire.stream();
            wire.chunk("data: {\"choices\":[]}\n\n");
            wire.awaitPeerGone();
        });
        try (RawClient client = RawClient.open(rig.port())) {
            client.send(PATH, ASK_STREAM).head();
            assertThat(client.event()).startsWith("data: ");
        }
        Poll.until("decode leg cancelled", () -> decode.peersGone() == 1);
        awaitLeft(before);
    }

    @Test
    void whileAnUploadStreamsThrough() throws IOException {
        double before = left();
        try (RawClient client = RawClient.open(rig.port())) {
            client.write("POST /v1/audio/transcriptions HTTP/1.1\r\nhost: g\r\n"
                    + "content-type: multipart/form-data; boundary=b\r\ncontent-length: 1000000\r\n\r\n"
                    + "x".repeat(100_000));
            Poll.until("bytes at an engine", () -> prefill.bodyBytes() + decode.bodyBytes() > 0);
        }
        awaitLeft(before);
        assertThat(prefill.received()).isEmpty();
        assertThat(decode.received()).isEmpty();
    }

    private double left() {
        return rig.metric("tandem_aborts_total");
    }

    private void awaitLeft(double before) {
        Poll.until("counted as left: " + before, () -> left() == before + 1);
    }

    private static boolean await(CountDownLatch latch) {
        try {
            return latch.await(20, TimeUnit.SECONDS);
        } catch (InterruptedException e) {
            throw new AssertionError(e);
        }
    }
}
