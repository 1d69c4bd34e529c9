// SPDX-License-Identifier: Apache-2.0
package dev.tandem.gateway.it;

import static org.assertj.core.api.Assertions.assertThat;

import dev.tandem.core.fleet.Role;
import dev.tandem.gateway.it.RawClient.Answer;
import java.io.IOException;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** An engine that is well by its own account and brings nothing forward gets no requests, until one is answered. */
@Timeout(value = 120, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
final class StallIT {
    private static final String PATH = "/v1/completions";
    private static final String EVENT = "data: {\"choices\":[]}\n\n";
    private static final String STREAM = EVENT + "data: [DONE]\n\n";
    private static final String ASK = "{\"model\":\"tiny\",\"stream\":true,\"prompt\":\"x\"}";

    @Test
    void aStreamThatStandsStillEjectsItsWorkerUntilOneRequestIsAnswered() throws IOException {
        try (RawEngine hung = RawEngine.start("tiny");
                RawEngine well = RawEngine.start("tiny");
                GatewayRig rig = GatewayRig.setup()
                        .worker("hung", hung.url(), Role.UNIFIED)
                        .worker("well", well.url(), Role.UNIFIED)
                        .set("tandem.routing.prefill-policy", "round-robin")
                        .set("tandem.health.stall", "300ms")
                        .set("tandem.health.stall-per-token", "0ms")
                        .set("tandem.health.ejection", "1s")
                        .set("tandem.health.longest-ejection", "1s")
                        .start()) {
            hung.on((request, wire) -> {
                wire.stream();
                wire.chunk(EVENT);
                wire.awaitPeerGone();
            });
            well.on((request, wire) -> answer(wire));
            try (RawClient stuck = RawClient.open(rig.port())) {
                while (hung.received().isEmpty()) {
                    HttpReader.Head head = stuck.send(PATH, ASK).head();
                    if (!head.headers().toString().contains("=hung")) {
                        assertThat(stuck.rest(head).text()).isEqualTo(STREAM);
                    }
                }
                Poll.until("ejected", () -> health(rig).contains("while requests run"));
                for (int i = 0; i < 4; i++) {
                    assertThat(ask(rig).header("x-tandem-decode")).isEqualTo("well");
                }

                hung.on((request, wire) -> answer(wire));
                while (!health(rig).contains("\"status\":\"ok\"")) {
                    assertThat(ask(rig).text()).isEqualTo(STREAM);
                }
            }
            rig.assertNothingLeft();
        }
    }

    @Test
    void aClientThatDoesNotReadIsNoFaultOfTheWorker() throws IOException {
        String much = "data: {\"choices\":[{\"text\":\"" + "x".repeat(30_000) + "\"}]}\n\n";
        try (RawEngine engine = RawEngine.start("tiny");
                GatewayRig rig = GatewayRig.setup()
                        .worker("u1", engine.url(), Role.UNIFIED)
                        .set("tandem.health.stall", "300ms")
                        .set("tandem.health.stall-per-token", "0ms")
                        .set("tandem.health.ejection", "1h")
                        .set("tandem.health.longest-ejection", "1h")
                        .set("tandem.edge.write-stall", "2s")
                        .start()) {
            engine.on((request, wire) -> {
                wire.stream();
                while (true) {
                    wire.chunk(much);
                }
            });
            try (RawClient deaf = RawClient.open(rig.port(), 4_096)) {
                deaf.send(PATH, ASK);
                Poll.until("cut off", () -> !engine.received().isEmpty() && leases(rig) == 0);
            }
            assertThat(health(rig)).contains("\"status\":\"ok\"");
            assertThat(rig.metric("tandem_ejections_total")).isZero();
            rig.assertNothingLeft();
        }
    }

    private static int leases(GatewayRig rig) {
        return rig.bean(dev.tandem.core.fleet.Fleet.class).leases();
    }

    private static void answer(RawEngine.Wire wire) throws IOException {
        wire.stream();
        wire.chunk(STREAM);
        wire.end();
    }

    private static Answer ask(GatewayRig rig) throws IOException {
        return RawClient.post(rig.port(), PATH, ASK);
    }

    private static String health(GatewayRig rig) {
        try {
            return RawClient.get(rig.port(), "/healthz").text();
        } catch (IOException e) {
            throw new AssertionError("no health", e);
        }
    }
}
