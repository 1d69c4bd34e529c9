// SPDX-License-Identifier: Apache-2.0
package dev.tandem.gateway.it;

import static org.assertj.core.api.Assertions.assertThat;

import dev.tandem.core.fleet.Role;
import dev.tandem.gateway.it.RawClient.Answer;
import dev.tandem.gateway.it.RawEngine.Received;
import dev.tandem.simulator.http.SeenRequest;
import java.io.IOException;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** Trials of pairs: they warm, they compare, and what answers wrongly gets no requests. */
@Timeout(value = 90, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
final class PairTrialsIT {
    private static final String PATH = "/v1/completions";
    private static final String ASK =
            "{\"model\":\"tiny\",\"prompt\":\"" + "long prompt ".repeat(200) + "\",\"max_tokens\":3}";
    private static final String OFFER = "{\"choices\":[{\"text\":\"a\"}],\"kv_transfer_params\":{"
            + "\"do_remote_prefill\":true,\"do_remote_decode\":false,\"remote_block_ids\":[[1]],"
            + "\"remote_engine_id\":\"e\",\"remote_request_id\":\"r\",\"remote_host\":\"127.0.0.1\",\"remote_port\":5600}}";
    private static final String TRIALS = "tandem_canary_trials_total";

    private RawEngine prefill;
    private RawEngine decode;
    private volatile String handedOver = "right";

    @BeforeEach
    void startEngines() throws IOException {
        prefill = RawEngine.start("tiny").version("0.32.0");
        decode = RawEngine.start("tiny").version("0.32.0");
        prefill.on((request, wire) -> wire.json(200, asksForOffer(request) ? OFFER : text("right")));
        decode.on((request, wire) ->
                wire.json(200, text(request.text().contains("kv_transfer_params") ? handedOver : "right")));
    }

    @AfterEach
    void stopEngines() throws IOException {
        prefill.close();
        decode.close();
    }

    @Test
    void aPairIsWarmBeforeItsFirstClientAndClientsMetersStayAtNought() throws IOException {
        try (GatewayRig rig = rig("10m")) {
            await(rig, "equal", 1);

            assertThat(decode.received())
                    .singleElement()
                    .satisfies(leg -> assertThat(leg.text())
                            .contains(
                                    "\"remote_engine_id\":\"e\"",
                                    "Ticket ",
                                    "\"temperature\":0",
                                    "\"ignore_eos\":true"));
            assertThat(prefill.received()).hasSize(2);
            assertThat(prefill.received().getFirst().text()).contains("\"do_remote_decode\":true", "\"max_tokens\":1");
            assertThat(prefill.received().getLast().text()).doesNotContain("kv_transfer_params");
            for (String meter :
                    List.of("tandem_requests_total", "tandem_handovers_total", "tandem_leg_seconds_count")) {
                assertThat(rig.metric(meter)).as(meter).isZero();
            }
            assertThat(RawClient.post(rig.port(), PATH, ASK).header("x-tandem-prefill"))
                    .isEqualTo("p1");
            rig.assertNothingLeft();
        }
    }

    @Test
    void aPairThatAnswersSomethingElseIsNotUsedUntilItAnswersRight() throws IOException {
        handedOver = "wrong";
        try (GatewayRig rig = rig("300ms")) {
            await(rig, "different", 1);
            Poll.until(() -> "quarantined", () -> rig.metric("tandem_canary_quarantined_pairs") == 1);

            Answer alone = RawClient.post(rig.port(), PATH, ASK);
            assertThat(alone.text()).contains("right");
            assertThat(alone.header("x-tandem-prefill")).isEmpty();
            assertThat(RawClient.get(rig.port(), "/healthz").text())
                    .contains("\"status\":\"degraded\"", "\"quarantined_pairs\":[\"p1>d1\"]");

            handedOver = "right";
            Poll.until(() -> "free again", () -> rig.metric("tandem_canary_quarantined_pairs") == 0);
            assertThat(RawClient.post(rig.port(), PATH, ASK).header("x-tandem-prefill"))
                    .isEqualTo("p1");
            assertThat(RawClient.get(rig.port(), "/healthz").text()).doesNotContain("quarantined");
        }
    }

    @Test
    void aTrialThatFailsProvesNothing() throws IOException {
        prefill.on((request, wire) -> wire.json(500, "{}"));
        try (GatewayRig rig = rig("1s")) {
            await(rig, "failed", 2);

            assertThat(rig.metric("tandem_canary_quarantined_pairs")).isZero();
            assertThat(rig.metric("tandem_leg_failures_total")).isZero();
            assertThat(RawClient.get(rig.port(), "/healthz").text()).contains("\"status\":\"ok\"");
            rig.assertNothingLeft();
        }
    }

    @Test
    void aPairIsTriedAgainWhenAnEngineComesBack() throws IOException {
        try (GatewayRig rig = rig("10m")) {
            await(rig, "equal", 1);

            decode.down();
            Poll.until(() -> "worker down", () -> rig.metric("tandem_worker_up", "worker=\"d1\"") == 0);
            handedOver = "wrong";
            decode.version("0.32.0").up();

            await(rig, "different", 1);
        }
    }

    /** Every protocol that the simulator imitates, four pairs each: all answer alike, and no rule is broken. */
    @ParameterizedTest
    @MethodSource("protocols")
    void simulatedPairsPass(HandoverProtocols protocol) {
        int side = Math.min(2, protocol.receivers());
        Map<String, String> settings = Map.of(
                "tandem.disagg.canary.enabled", "true",
                "tandem.disagg.canary.prompt-words", "60",
                "tandem.engine.answer-silence", "20s");
        try (HandoverStack stack = HandoverStack.start(protocol, side, side, settings)) {
            Poll.until(
                    () -> "pairs that passed, of " + side * side + ", after trials: "
                            + stack.rig().metric(TRIALS),
                    () -> stack.rig().metric(TRIALS, "finding=\"equal\"")
                                    + stack.rig().metric(TRIALS, "finding=\"warmed\"")
                            >= side * side);

            assertThat(stack.rig().metric(TRIALS, "finding=\"different\"")).isZero();
            assertThat(stack.rig().metric(TRIALS, "finding=\"undecided\"")).isZero();
            assertThat(stack.violations()).extracting(SeenRequest::toString).isEmpty();
            stack.rig().assertNothingLeft();
        }
    }

    static List<HandoverProtocols> protocols() {
        return HandoverProtocols.all();
    }

    private GatewayRig rig(String interval) {
        return GatewayRig.setup()
                .worker("p1", prefill.url(), Role.PREFILL)
                .worker("d1", decode.url(), Role.DECODE)
                .set("tandem.disagg.connector", "nixl")
                .set("tandem.disagg.canary.enabled", "true")
                .set("tandem.disagg.canary.interval", interval)
                .set("tandem.health.probes-up", "1")
                .start();
    }

    private static void await(GatewayRig rig, String finding, int trials) {
        Poll.until(
                () -> finding + ": " + rig.metric(TRIALS, "finding=\"" + finding + "\""),
                () -> rig.metric(TRIALS, "finding=\"" + finding + "\"") >= trials);
    }

    private static boolean asksForOffer(Received request) {
        return request.text().contains("\"do_remote_decode\":true");
    }

    private static String text(String text) {
        return "{\"choices\":[{\"text\":\"" + text + "\"}]}";
    }
}
