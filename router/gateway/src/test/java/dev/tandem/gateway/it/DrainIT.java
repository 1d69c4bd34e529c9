// SPDX-License-Identifier: Apache-2.0
package dev.tandem.gateway.it;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.tandem.core.fleet.Role;
import dev.tandem.gateway.it.RawClient.Answer;
import java.io.IOException;
import java.net.ConnectException;
import java.time.Duration;
import java.util.concurrent.CountDownLatch;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** A gateway that is told to end serves what it has, says that it is going, and cuts off what takes too long. */
@Timeout(value = 120, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
final class DrainIT {
    private static final Duration PRE_DELAY = Duration.ofSeconds(5);
    private static final String PATH = "/v1/completions";
    private static final String TEXT = "{\"id\":\"cmpl-1\",\"choices\":[]}";
    private static final String EVENT = "data: {\"choices\":[]}\n\n";
    private static final String END = "data: [DONE]\n\n";
    private static final String ASK = "{\"model\":\"tiny\",\"prompt\":\"x\"}";
    private static final String ASK_STREAM = "{\"model\":\"tiny\",\"stream\":true,\"prompt\":\"x\"}";

    @Test
    void servesNewRequestsForAWhileAndRunningOnesToTheirEnd() throws IOException, InterruptedException {
        CountDownLatch refused = new CountDownLatch(1);
        try (RawEngine engine = RawEngine.start("tiny")) {
            engine.on((request, wire) -> {
                if (!request.text().equals(ASK_STREAM)) {
                    wire.json(200, TEXT);
                    return;
                }
                wire.stream();
                wire.chunk(EVENT);
                refused.await();
                wire.chunk(END);
                wire.end();
            });
            GatewayRig rig = GatewayRig.setup()
                    .worker("u1", engine.url(), Role.UNIFIED)
                    .set("tandem.drain.pre-delay", PRE_DELAY.toSeconds() + "s")
                    .set("tandem.drain.max", "1h")
                    .start();
            int port = rig.port();
            int management = rig.managementPort();
            assertThat(RawClient.post(port, PATH, ASK).find("connection")).isEmpty();
            try (RawClient stream = RawClient.open(port)) {
                HttpReader.Head head = stream.send(PATH, ASK_STREAM).head();
                assertThat(stream.event()).isEqualTo(EVENT);
                long told = System.nanoTime();
                Thread closing = Thread.startVirtualThread(rig::close);
                Poll.until("not ready", () -> unready(management));
                assertThat(served(port)).as("requests served while draining").isPositive();
                assertThat(Duration.ofNanos(System.nanoTime() - told))
                        .as("served until then, however slow the machine is")
                        .isGreaterThanOrEqualTo(PRE_DELAY);
                assertThat(unready(management)).as("says so until the end").isTrue();

                refused.countDown();
                Answer answer = stream.rest(head);
                assertThat(answer.text()).isEqualTo(END);
                assertThat(answer.whole()).isTrue();
                closing.join();
            }
        }
    }

    @Test
    void whatTakesTooLongGetsAnError() throws IOException, InterruptedException {
        try (RawEngine engine = RawEngine.start("tiny")) {
            engine.on((request, wire) -> {
                if (request.text().equals(ASK_STREAM)) {
                    wire.stream();
                    wire.chunk(EVENT);
                }
                wire.awaitPeerGone();
            });
            GatewayRig rig = GatewayRig.setup()
                    .worker("u1", engine.url(), Role.UNIFIED)
                    .set("tandem.drain.max", "500ms")
                    .start();
            try (RawClient stream = RawClient.open(rig.port());
                    RawClient whole = RawClient.open(rig.port())) {
                HttpReader.Head head = stream.send(PATH, ASK_STREAM).head();
                assertThat(stream.event()).isEqualTo(EVENT);
                whole.send(PATH, ASK);
                Poll.until("both run", () -> engine.received().size() == 2);
                Thread closing = Thread.startVirtualThread(rig::close);

                Answer cut = stream.rest(head);
                assertThat(cut.text())
                        .contains("the gateway is shutting down")
                        .contains("\"code\":\"stream_interrupted\"")
                        .doesNotContain("[DONE]");
                assertThat(cut.whole()).isTrue();
                Answer refusal = whole.read();
                assertThat(refusal.status()).as(refusal.toString()).isEqualTo(503);
                assertThat(refusal.text()).contains("\"code\":\"shutting_down\"");
                closing.join();
                Poll.until("the engine is told", () -> engine.peersGone() == 2);
            }
        }
    }

    /** Asks until nobody listens any more; every answer is a good one, and says that it is the connection's last. */
    private static int served(int port) throws IOException {
        for (int served = 0; ; served++) {
            try {
                Answer answer = RawClient.post(port, PATH, ASK);
                assertThat(answer.text()).isEqualTo(TEXT);
                assertThat(answer.header("connection")).isEqualTo("close");
            } catch (ConnectException refused) {
                return served;
            } catch (IOException onItsWay) {
                // the kernel had taken the connection when the port was closed
                assertThatThrownBy(() -> RawClient.post(port, PATH, ASK)).isInstanceOf(ConnectException.class);
                return served;
            }
        }
    }

    private static boolean unready(int management) {
        try {
            return RawClient.get(management, "/readyz").text().contains("draining");
        } catch (IOException e) {
            throw new AssertionError("the management port answers to the end", e);
        }
    }
}
