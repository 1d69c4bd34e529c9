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
import java.util.List;
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
