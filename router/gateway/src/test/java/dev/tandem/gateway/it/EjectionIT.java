// SPDX-License-Identifier: Apache-2.0
package dev.tandem.gateway.it;

import static org.assertj.core.api.Assertions.assertThat;

import dev.tandem.core.fleet.Role;
import dev.tandem.gateway.it.RawClient.Answer;
import java.io.IOException;
import java.util.concurrent.CountDownLatch;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Who passes its probes and fails requests gets none for a while, and comes back by one request that succeeds. */
@Timeout(value = 120, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
final class EjectionIT {
    private static final String PATH = "/v1/completions";
    private static final String TEXT = "{\"id\":\"cmpl-1\",\"choices\":[{\"text\":\"hi\"}]}";
    private static final String PARAMS =
            "\"kv_transfer_params\":{\"remote_engine_id\":\"e-%s\",\"remote_block_ids\":[1],"
                    + "\"remote_host\":\"127.0.0.1\",\"remote_port\":5600,\"remote_request_id\":\"r\",\"do_remote_prefill\":true,\"tp_size\":1}";

    @Test
    void aWorkerThatFailsRequestsGetsNoneUntilOneOnProbationSucceeds() throws IOException, InterruptedException {
        try (RawEngine ill = RawEngine.start("tiny");
                RawEngine well = RawEngine.start("tiny");
                GatewayRig rig = GatewayRig.setup()
                        .worker("ill", ill.url(), Role.UNIFIED)
                        .worker("well", well.url(), Role.UNIFIED)
                        .set("tandem.routing.prefill-policy", "round-robin")
                        .set("tandem.health.ejection", "500ms")
                        .set("tandem.health.longest-ejection", "500ms")
                        .start()) {
            ill.on((request, wire) -> wire.json(500, "{}"));
            well.on((request, wire) -> wire.json(200, TEXT));
            while (!health(rig).contains("\"state\":\"ejected\"")) {
                assertThat(ask(rig).text()).isEqualTo(TEXT);
            }
            assertThat(health(rig)).contains("\"status\":\"degraded\"").contains("5 requests failed in a row");
            assertThat(rig.metric("tandem_ejections_total", "role=\"unified\"")).isPositive();

            CountDownLatch done = new CountDownLatch(1);
            ill.clear();
            ill.on((request, wire) -> {
                done.await();
                wire.json(200, TEXT);
            });
            Thread onProbation = Thread.startVirtualThread(() -> askUntilSeen(rig, ill));
            Poll.until("a request on probation", () -> !ill.received().isEmpty());
            for (int i = 0; i < 10; i++) {
                assertThat(ask(rig).header("x-tandem-decode")).isEqualTo("well");
            }
            assertThat(ill.received()).as("one at a time").hasSize(1);
            done.countDown();
            onProbation.join();
            Poll.until("up", () -> health(rig).contains("\"status\":\"ok\""));
            rig.assertNothingLeft();
        }
    }

    private static void askUntilSeen(GatewayRig rig, RawEngine engine) {
        while (engine.received().isEmpty()) {
            try {
                ask(rig);
            } catch (IOException e) {
                throw new AssertionError("no answer", e);
            }
        }
    }

    @Test
    void whereNobodyElseIsThereNobodyIsEjected() throws IOException {
        try (RawEngine only = RawEngine.start("tiny");
                GatewayRig rig = GatewayRig.setup()
                        .worker("only", only.url(), Role.UNIFIED)
                        .set("tandem.health.ejection", "1h")
                        .set("tandem.health.longest-ejection", "1h")
                        .start()) {
            only.on((request, wire) -> wire.json(500, "{}"));
            for (int i = 0; i < 10; i++) {
                assertThat(ask(rig).text()).contains("engine_error");
            }
            assertThat(only.received()).hasSize(10);
            assertThat(rig.metric("tandem_panics_total", "role=\"unified\"")).isEqualTo(1);
            rig.assertNothingLeft();
        }
    }

    @Test
    void aPairWhoseHandOversFailIsLeftAloneAndItsWorkersAreNot() throws IOException {
        try (RawEngine p1 = RawEngine.start("tiny");
                RawEngine p2 = RawEngine.start("tiny");
                RawEngine d1 = RawEngine.start("tiny");
                RawEngine d2 = RawEngine.start("tiny");
                GatewayRig rig = GatewayRig.setup()
                        .worker("p1", p1.url(), Role.PREFILL)
                        .worker("p2", p2.url(), Role.PREFILL)
                        .worker("d1", d1.url(), Role.DECODE)
                        .worker("d2", d2.url(), Role.DECODE)
                        .set("tandem.disagg.connector", "nixl")
                        .set("tandem.routing.prefill-policy", "random")
                        .set("tandem.routing.decode-policy", "random")
                        .set("tandem.health.ejection", "1h")
                        .set("tandem.health.longest-ejection", "1h")
                        .start()) {
            p1.on((request, wire) -> wire.json(200, "{" + PARAMS.formatted("p1") + "}"));
            p2.on((request, wire) -> wire.json(200, "{" + PARAMS.formatted("p2") + "}"));
            d1.on((request, wire) -> wire.json(request.text().contains("e-p1") ? 500 : 200, TEXT));
            d2.on((request, wire) -> wire.json(200, TEXT));
            while (!health(rig).contains("\"ejected_pairs\":[\"p1>d1\"]")) {
                assertThat(ask(rig).text()).isEqualTo(TEXT);
            }
            assertThat(rig.metric("tandem_ejected_pairs")).isEqualTo(1);
            d1.clear();
            boolean other1 = false;
            boolean other2 = false;
            while (!(other1 && other2)) {
                Answer answer = ask(rig);
                assertThat(answer.header("x-tandem-attempts")).isEqualTo("1");
                other1 |= pair(answer).equals("p1>d2");
                other2 |= pair(answer).equals("p2>d1");
            }
            assertThat(d1.received()).noneMatch(request -> request.text().contains("e-p1"));
            rig.assertNothingLeft();
        }
    }

    private static String pair(Answer answer) {
        return answer.header("x-tandem-prefill") + ">" + answer.header("x-tandem-decode");
    }

    private static Answer ask(GatewayRig rig) throws IOException {
        return RawClient.post(
                rig.port(), PATH, "{\"model\":\"tiny\",\"max_tokens\":9,\"prompt\":\"" + "word ".repeat(400) + "\"}");
    }

    private static String health(GatewayRig rig) {
        try {
            return RawClient.get(rig.port(), "/healthz").text();
        } catch (IOException e) {
            throw new AssertionError("no health", e);
        }
    }
}
