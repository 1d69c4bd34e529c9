// SPDX-License-Identifier: Apache-2.0
package dev.tandem.gateway.it;

import static org.assertj.core.api.Assertions.assertThat;

import dev.tandem.core.fleet.Role;
import dev.tandem.gateway.it.RawClient.Answer;
import dev.tandem.simulator.http.EngineOptions;
import dev.tandem.simulator.http.Fault;
import dev.tandem.simulator.http.Fault.Kind;
import dev.tandem.simulator.http.SimulatedEngine;
import java.io.IOException;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/** Retries that would make things worse are not made. */
@Timeout(value = 120, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
final class RetryLimitsIT {
    private static final String COMPLETIONS = "/v1/completions";
    private static final String CHATS = "/v1/chat/completions";
    private static final int WORKERS = 8;

    /** A gateway in front of engines that all fail in the same way. */
    private record Stack(List<SimulatedEngine> engines, GatewayRig rig) implements AutoCloseable {
        private static Stack start(GatewayRig.Setup setup, Fault fault) {
            List<SimulatedEngine> engines = Stream.generate(() -> SimulatedEngine.start(EngineOptions.of("tiny", 0)))
                    .limit(WORKERS)
                    .toList();
            for (int i = 0; i < WORKERS; i++) {
                engines.get(i).faults().add(fault.on(COMPLETIONS).times(0));
                setup.worker("u" + i, engines.get(i).baseUrl(), Role.UNIFIED);
            }
            return new Stack(
                    engines, setup.set("tandem.health.failures-down", "1000000").start());
        }

        private long seen() {
            return engines.stream()
                    .mapToLong(engine -> engine.journal().requests(COMPLETIONS).size())
                    .sum();
        }

        private Answer complete(int number, boolean streaming) throws IOException {
            return RawClient.post(
                    rig.port(),
                    COMPLETIONS,
                    "{\"model\":\"tiny\",\"stream\":" + streaming + ",\"ignore_eos\":true,\"prompt\":\"number " + number
                            + "\"}");
        }

        @Override
        public void close() {
            engines.forEach(SimulatedEngine::close); // before the event loops
            rig.close();
        }
    }

    @Test
    void whenAllWorkersFailTheyGetAFifthMoreAndNotSeveralTimesAsMuch() throws IOException {
        GatewayRig.Setup setup = GatewayRig.setup().set("tandem.retry.always-per-second", "0");
        try (Stack stack = Stack.start(setup, Fault.of(Kind.STATUS).status(500))) {
            int requests = 200;
            for (int i = 0; i < requests; i++) {
                assertThat(stack.complete(i, false).text()).contains("engine_error");
            }
            assertThat(stack.seen()).isBetween(requests + 1L, requests * 5L / 4);
            assertThat(stack.rig().metric("tandem_retries_denied_total")).isPositive();
            stack.rig().assertNothingLeft();
        }
    }

    /** How a worker dies of a request, and whether another one would go on with its stream. */
    private static Stream<Arguments> deaths() {
        return Stream.of("off", "on")
                .flatMap(resume -> Stream.of(
                                Fault.of(Kind.RESET),
                                Fault.of(Kind.RESET).after(900),
                                Fault.of(Kind.ERROR_EVENT).after(0),
                                Fault.of(Kind.ERROR_EVENT).after(3))
                        .map(death -> Arguments.of(death, resume)));
    }

    /** Without an answer, or behind its first events; in silence, or with the words of a dead engine. */
    @ParameterizedTest
    @MethodSource("deaths")
    void aRequestThatKillsItsWorkersMeetsTwoOfThem(Fault death, String resume) throws IOException {
        GatewayRig.Setup setup = GatewayRig.setup()
                .set("tandem.routing.prefill-policy", "round-robin")
                .set("tandem.retry.suspect-workers", "2")
                .set("tandem.stream.resume", resume);
        try (Stack stack = Stack.start(setup, death)) {
            for (int repeated = 0; repeated < 4; repeated++) {
                assertThat(stack.complete(1, true).text()).contains("\"error\"");
            }
            assertThat(stack.complete(1, true).text()).contains("\"code\":\"poison_suspected\"");
            assertThat(stack.seen()).isEqualTo(2);

            String chat = "{\"model\":\"tiny\",\"messages\":[{\"role\":\"user\",\"content\":\"hello\"}]}";
            assertThat(RawClient.post(stack.rig().port(), CHATS, chat).status()).isEqualTo(200);
            stack.rig().assertNothingLeft();
        }
    }

    @Test
    void anEngineThatFailsAndLivesOnMakesNoSuspect() throws IOException {
        GatewayRig.Setup setup = GatewayRig.setup().set("tandem.retry.suspect-workers", "2");
        try (Stack stack = Stack.start(setup, Fault.of(Kind.STATUS).status(500))) {
            for (int repeated = 0; repeated < 4; repeated++) {
                assertThat(stack.complete(1, false).text()).contains("\"code\":\"engine_error\"");
            }
            assertThat(stack.seen()).isEqualTo(8);
        }
    }

    @Test
    void whenAllWorkersFailInTheMidstOfTheirStreamsTheyGetAFifthMoreToo() throws IOException {
        GatewayRig.Setup setup =
                GatewayRig.setup().set("tandem.retry.always-per-second", "0").set("tandem.stream.resume", "on");
        try (Stack stack = Stack.start(setup, Fault.of(Kind.TRUNCATE).after(3))) {
            int requests = 200;
            for (int i = 0; i < requests; i++) {
                assertThat(stack.complete(i, true).text()).contains("stream_interrupted");
            }
            assertThat(stack.seen()).isBetween(requests + 1L, requests * 5L / 4);
            assertThat(stack.rig().metric("tandem_retries_denied_total")).isPositive();
            stack.rig().assertNothingLeft();
        }
    }

    @Test
    void whenOneWorkerDiesEachOfItsStreamsGoesOn() throws IOException {
        try (RawEngine dying = RawEngine.start("tiny");
                RawEngine other = RawEngine.start("tiny");
                GatewayRig rig = GatewayRig.setup()
                        .worker("dying", dying.url(), Role.UNIFIED)
                        .worker("other", other.url(), Role.UNIFIED)
                        .set("tandem.routing.prefill-policy", "round-robin")
                        .set("tandem.retry.always-per-second", "10")
                        .set("tandem.stream.resume", "on")
                        .start()) {
            dying.on((request, wire) -> {
                wire.stream();
                wire.chunk(event("one "));
                wire.awaitPeerGone();
            });
            other.on((request, wire) -> {
                wire.stream();
                wire.chunk(event("one ") + event("two") + "data: [DONE]\n\n");
                wire.end();
            });
            Map<RawClient, HttpReader.Head> clients = new LinkedHashMap<>();
            for (int i = 0; i < 100; i++) {
                RawClient client = RawClient.open(rig.port());
                clients.put(client, client.send(COMPLETIONS, ask(i)).head());
                assertThat(client.event()).contains("one ");
            }
            assertThat(dying.received()).as("more than the budget").hasSizeGreaterThan(40);
            dying.down();
            for (Map.Entry<RawClient, HttpReader.Head> client : clients.entrySet()) {
                try (RawClient open = client.getKey()) {
                    assertThat(open.rest(client.getValue()).whole()).isTrue();
                }
            }
            Poll.until("all completed", () -> rig.metric("tandem_requests_total", "outcome=\"completed\"") == 100);
            assertThat(rig.metric("tandem_resumes_total", "resumed"))
                    .isEqualTo(dying.received().size());
            assertThat(rig.metric("tandem_retries_denied_total")).isZero();
            rig.assertNothingLeft();
        }
    }

    private static String event(String text) {
        return "data: {\"id\":\"cmpl-1\",\"object\":\"text_completion\",\"created\":1,\"model\":\"tiny\","
                + "\"choices\":[{\"index\":0,\"text\":\"" + text + "\",\"finish_reason\":null}]}\n\n";
    }

    private static String ask(int number) {
        return "{\"model\":\"tiny\",\"stream\":true,\"temperature\":0,\"prompt\":\"number " + number + "\"}";
    }

    @Test
    void aStreamGoesOnAsOftenAsItMay() throws IOException {
        assertResumed(GatewayRig.setup(), 3);
        assertResumed(GatewayRig.setup().set("tandem.stream.resume-limit", "1"), 1);
    }

    private static void assertResumed(GatewayRig.Setup setup, int times) throws IOException {
        try (Stack stack = Stack.start(
                setup.set("tandem.stream.resume", "on"), Fault.of(Kind.TRUNCATE).after(3))) {
            Answer answer = stack.complete(1, true);

            assertThat(answer.text())
                    .contains("\"code\":\"stream_interrupted\"")
                    .doesNotContain("[DONE]");
            assertThat(stack.seen()).isEqualTo(1 + times);
            assertThat(stack.rig().metric("tandem_resumes_total", "resumed")).isEqualTo(times);
            assertThat(stack.rig().metric("tandem_resumes_total", "refused")).isEqualTo(1);
            stack.rig().assertNothingLeft();
        }
    }

    @Test
    void whoeverIsAnsweredInTheEndIsNoSuspect() throws IOException {
        GatewayRig.Setup setup = GatewayRig.setup().set("tandem.retry.suspect-workers", "2");
        try (Stack stack = Stack.start(setup, Fault.of(Kind.DELAY))) {
            for (SimulatedEngine dying : stack.engines()) {
                stack.engines().forEach(engine -> engine.faults().clear());
                dying.faults().add(Fault.of(Kind.RESET).on(COMPLETIONS));
                assertThat(stack.complete(1, false).status()).isEqualTo(200);
            }
            assertThat(stack.seen()).as("one of them failed").isGreaterThan(WORKERS);
        }
    }
}
