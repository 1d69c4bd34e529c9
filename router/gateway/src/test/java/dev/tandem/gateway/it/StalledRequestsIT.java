// SPDX-License-Identifier: Apache-2.0
package dev.tandem.gateway.it;

import static org.assertj.core.api.Assertions.assertThat;

import dev.tandem.core.fleet.Role;
import dev.tandem.gateway.it.RawClient.Answer;
import dev.tandem.simulator.http.EngineOptions;
import dev.tandem.simulator.http.Fault;
import dev.tandem.simulator.http.SimulatedEngine;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.locks.LockSupport;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Requests on a worker that is well by its own account and does nothing do not wait for it when others are there. */
@Timeout(value = 120, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
final class StalledRequestsIT {
    private static final String PATH = "/v1/completions";
    private static final String EVENT = "data: {\"choices\":[{\"text\":\"a\"}]}\n\n";
    private static final String STREAM = EVENT + "data: [DONE]\n\n";
    private static final String TEXT = "{\"choices\":[]}";
    private static final String ASK = "{\"model\":\"tiny\",\"stream\":true,\"prompt\":\"x\"}";
    private static final String ASK_LONG = ASK.replace("\"x\"", "\"" + "long prompt ".repeat(200) + "\"");
    private static final String ASK_WHOLE = "{\"model\":\"tiny\",\"prompt\":\"x\"}";

    private static final long STALL_NANOS = 500_000_000;
    private static final long SIGN_OF_LIFE_NANOS = 20_000_000;

    private final ExecutorService clients = Executors.newVirtualThreadPerTaskExecutor();

    @AfterEach
    void stop() {
        clients.close();
    }

    /** Nothing else ends a silence within the patience of a test. */
    private static GatewayRig.Setup setup() {
        return GatewayRig.setup()
                .set("tandem.routing.prefill-policy", "round-robin")
                .set("tandem.routing.decode-policy", "round-robin")
                .set("tandem.health.stall", "500ms")
                .set("tandem.health.stall-per-token", "0ms")
                .set("tandem.health.ejection", "1h")
                .set("tandem.health.longest-ejection", "1h")
                .set("tandem.engine.stream-silence", "10m")
                .set("tandem.engine.answer-silence", "10m")
                .set("tandem.retry.suspect-workers", "1");
    }

    @Test
    void whatHasNotBegunIsServedElsewhereAndWhatHasIsCutOff() throws Exception {
        try (RawEngine hung = RawEngine.start("tiny");
                RawEngine well = RawEngine.start("tiny");
                GatewayRig rig = setup().worker("hung", hung.url(), Role.UNIFIED)
                        .worker("well", well.url(), Role.UNIFIED)
                        .start()) {
            AtomicBoolean begun = new AtomicBoolean();
            AtomicBoolean silent = new AtomicBoolean();
            hung.on((request, wire) -> {
                if (begun.compareAndSet(false, true)) {
                    wire.stream();
                    wire.chunk(EVENT);
                    while (!silent.get()) {
                        LockSupport.parkNanos(SIGN_OF_LIFE_NANOS);
                        wire.chunk(EVENT);
                    }
                }
                wire.awaitPeerGone();
            });
            well.on((request, wire) -> answer(request, wire));
            List<Future<Answer>> asked = new ArrayList<>();
            while (hung.received().size() < 4) {
                int before = hung.received().size() + well.received().size();
                asked.add(clients.submit(() -> RawClient.post(rig.port(), PATH, ASK)));
                Poll.until(
                        "sent", () -> hung.received().size() + well.received().size() > before);
            }
            silent.set(true);

            List<Answer> cutOff = new ArrayList<>();
            for (Future<Answer> each : asked) {
                Answer answer = each.get();
                assertThat(answer.status()).as("%s", answer).isEqualTo(200);
                if (answer.text().equals(STREAM)) {
                    assertThat(answer.header("x-tandem-decode")).isEqualTo("well");
                } else {
                    cutOff.add(answer);
                }
            }
            assertThat(cutOff)
                    .singleElement()
                    .satisfies(answer -> assertThat(answer.text())
                            .startsWith(EVENT)
                            .contains("\"code\":\"stream_interrupted\"")
                            .doesNotContain("[DONE]"));
            Poll.until("the engine is told", () -> hung.peersGone() == 4);
            assertThat(rig.metric("tandem_retries_total")).isEqualTo(3);
            assertThat(rig.metric("tandem_ejections_total")).isEqualTo(1);
            rig.assertNothingLeft();
        }
    }

    @Test
    void anAnswerThatComesWholeIsWaitedFor() throws Exception {
        try (RawEngine hung = RawEngine.start("tiny");
                RawEngine well = RawEngine.start("tiny");
                GatewayRig rig = setup().worker("hung", hung.url(), Role.UNIFIED)
                        .worker("well", well.url(), Role.UNIFIED)
                        .start()) {
            hung.on((request, wire) -> {
                if (request.text().contains("stream")) {
                    wire.awaitPeerGone();
                } else {
                    Poll.until("the stream has gone", () -> hung.peersGone() == 1);
                    wire.json(200, TEXT);
                }
            });
            well.on((request, wire) -> answer(request, wire));
            List<Future<Answer>> whole = new ArrayList<>();
            while (hung.received().isEmpty()) {
                int before = well.received().size();
                whole.add(clients.submit(() -> RawClient.post(rig.port(), PATH, ASK_WHOLE)));
                Poll.until(
                        "sent",
                        () -> !hung.received().isEmpty() || well.received().size() > before);
            }
            while (hung.received().size() == 1) {
                int before = well.received().size();
                Future<Answer> moved = clients.submit(() -> RawClient.post(rig.port(), PATH, ASK));
                Poll.until(
                        "sent",
                        () -> hung.received().size() > 1 || well.received().size() > before);
                assertThat(moved.get().text()).isEqualTo(STREAM);
            }
            for (Future<Answer> each : whole) {
                assertThat(each.get().header("x-tandem-attempts")).isEqualTo("1");
                assertThat(each.get().text()).isEqualTo(TEXT);
            }
            rig.assertNothingLeft();
        }
    }

    @Test
    void anAnswerThatComesWholeIsServedElsewhereWhenItsEngineDoesNothing() throws Exception {
        try (RawEngine hung = RawEngine.start("tiny").metrics(counted(1));
                RawEngine well = RawEngine.start("tiny");
                GatewayRig rig = setup().worker("hung", hung.url(), Role.UNIFIED)
                        .worker("well", well.url(), Role.UNIFIED)
                        .start()) {
            hung.on((request, wire) -> wire.awaitPeerGone());
            well.on((request, wire) -> answer(request, wire));
            while (hung.received().isEmpty()) {
                Answer answer = RawClient.post(rig.port(), PATH, ASK_WHOLE);
                assertThat(answer.text()).isEqualTo(TEXT);
                assertThat(answer.header("x-tandem-decode")).isEqualTo("well");
            }
            Poll.until("the engine is told", () -> hung.peersGone() == 1);
            assertThat(rig.metric("tandem_failures_total", "code=\"engine_stalled\""))
                    .isZero();
            assertThat(rig.metric("tandem_retries_total")).isEqualTo(1);
            rig.assertNothingLeft();
        }
    }

    @Test
    void anAnswerThatComesWholeIsWaitedForWhileItsEngineCountsOn() throws Exception {
        try (RawEngine slow = RawEngine.start("tiny").metrics(counted(1));
                RawEngine well = RawEngine.start("tiny");
                GatewayRig rig = setup().worker("slow", slow.url(), Role.UNIFIED)
                        .worker("well", well.url(), Role.UNIFIED)
                        .start()) {
            slow.on((request, wire) -> {
                long end = System.nanoTime() + 4 * STALL_NANOS;
                for (int tokens = 2; System.nanoTime() < end; tokens++) {
                    slow.metrics(counted(tokens));
                    LockSupport.parkNanos(SIGN_OF_LIFE_NANOS);
                }
                wire.json(200, TEXT);
            });
            well.on((request, wire) -> answer(request, wire));
            while (slow.received().isEmpty()) {
                Answer answer = RawClient.post(rig.port(), PATH, ASK_WHOLE);
                assertThat(answer.text()).isEqualTo(TEXT);
                assertThat(answer.header("x-tandem-attempts")).isEqualTo("1");
            }
            assertThat(rig.metric("tandem_ejections_total")).isZero();
            rig.assertNothingLeft();
        }
    }

    private static String counted(int tokens) {
        return "vllm:generation_tokens_total{engine=\"0\",model_name=\"tiny\"} " + tokens + ".0\n";
    }

    @Test
    void whoIsAloneIsWaitedFor() throws Exception {
        try (RawEngine slow = RawEngine.start("tiny");
                GatewayRig rig =
                        setup().worker("slow", slow.url(), Role.UNIFIED).start()) {
            slow.on((request, wire) -> {
                Poll.until("ejected", () -> rig.metric("tandem_ejections_total") == 1);
                answer(request, wire);
            });
            Answer answer = RawClient.post(rig.port(), PATH, ASK);
            assertThat(answer.text()).isEqualTo(STREAM);
            assertThat(answer.header("x-tandem-attempts")).isEqualTo("1");
            rig.assertNothingLeft();
        }
    }

    @Test
    void promptsAreComputedElsewhere() throws Exception {
        try (RawEngine hung = RawEngine.start("tiny");
                RawEngine well = RawEngine.start("tiny");
                RawEngine decode = RawEngine.start("tiny");
                GatewayRig rig = setup().worker("p-hung", hung.url(), Role.PREFILL)
                        .worker("p-well", well.url(), Role.PREFILL)
                        .worker("d", decode.url(), Role.DECODE)
                        .set("tandem.disagg.connector", "nixl")
                        .start()) {
            hung.on((request, wire) -> wire.awaitPeerGone());
            well.on((request, wire) ->
                    wire.json(200, "{\"kv_transfer_params\":{\"remote_engine_id\":\"e\"},\"choices\":[]}"));
            decode.on((request, wire) -> answer(request, wire));
            while (hung.received().isEmpty()) {
                Answer answer = RawClient.post(rig.port(), PATH, ASK_LONG);
                assertThat(answer.text()).as("%s", answer).isEqualTo(STREAM);
                assertThat(answer.header("x-tandem-prefill")).isEqualTo("p-well");
            }
            rig.assertNothingLeft();
        }
    }

    @Test
    void streamsGoOnElsewhereWhereThatIsSwitchedOn() throws Exception {
        String ask =
                "{\"model\":\"tiny\",\"stream\":true,\"ignore_eos\":true,\"max_tokens\":12,\"prompt\":\"the quick\"}";
        SimulatedEngine one = SimulatedEngine.start(EngineOptions.of("tiny", 0));
        SimulatedEngine other = SimulatedEngine.start(EngineOptions.of("tiny", 0));
        SimulatedEngine alone = SimulatedEngine.start(EngineOptions.of("tiny", 0));
        try (GatewayRig rig = setup().worker("one", one.baseUrl(), Role.UNIFIED)
                        .worker("other", other.baseUrl(), Role.UNIFIED)
                        .set("tandem.stream.resume", "true")
                        .start();
                one;
                other;
                alone) {
            one.faults().add(Fault.of(Fault.Kind.STALL).after(5));
            String text = Streams.text(RawClient.post(alone.port(), PATH, ask));
            while (rig.metric("tandem_resumes_total", "resumed") == 0) {
                assertThat(Streams.text(RawClient.post(rig.port(), PATH, ask))).isEqualTo(text);
            }
            rig.assertNothingLeft();
        }
    }

    private static void answer(RawEngine.Received request, RawEngine.Wire wire) throws IOException {
        if (!request.text().contains("stream")) {
            wire.json(200, TEXT);
            return;
        }
        wire.stream();
        wire.chunk(STREAM);
        wire.end();
    }
}
