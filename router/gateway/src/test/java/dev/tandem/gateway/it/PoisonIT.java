// SPDX-License-Identifier: Apache-2.0
package dev.tandem.gateway.it;

import static org.assertj.core.api.Assertions.assertThat;

import dev.tandem.core.fleet.Role;
import dev.tandem.gateway.it.RawClient.Answer;
import java.io.IOException;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** A prompt of which engines die for good, among others: few die, and the others are served. */
@Timeout(value = 120, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
final class PoisonIT {
    private static final String PATH = "/v1/completions";
    private static final String POISON = "poison";
    private static final String WHOLE = "{\"id\":\"cmpl-1\",\"choices\":[]}";

    /** As vLLM 0.32.0 says it, recorded 2026-11-21. */
    private static final String DEAD =
            "{\"error\":{\"message\":\"EngineCore encountered an issue. See stack trace (above) for the root cause.\","
                    + "\"type\":\"InternalServerError\",\"param\":null,\"code\":500}}";

    /** How an engine ends. */
    @FunctionalInterface
    private interface Death {
        void in(RawEngine.Wire wire) throws IOException;
    }

    /** A gateway in front of engines, one for each role, that die of the poison. */
    private record Stack(List<RawEngine> engines, AtomicInteger deaths, GatewayRig rig) implements AutoCloseable {
        private static Stack start(GatewayRig.Setup setup, List<Role> roles, Death death) throws IOException {
            List<RawEngine> engines = new ArrayList<>();
            AtomicInteger deaths = new AtomicInteger();
            for (Role role : roles) {
                RawEngine engine = RawEngine.start("tiny");
                engine.on((request, wire) -> {
                    if (request.text().contains(POISON)) {
                        deaths.incrementAndGet();
                        death.in(wire);
                        engine.down();
                    } else {
                        wire.json(200, WHOLE);
                    }
                });
                setup.worker(role.tag() + engines.size(), engine.url(), role);
                engines.add(engine);
            }
            return new Stack(engines, deaths, setup.start());
        }

        private Answer ask(String start) throws IOException {
            String prompt = start + " words".repeat(400);
            return RawClient.post(rig.port(), PATH, "{\"model\":\"tiny\",\"prompt\":\"" + prompt + "\"}");
        }

        private void assertOthersServed() throws IOException {
            for (int i = 0; i < 8; i++) {
                assertThat(ask("other " + i).status()).isEqualTo(200);
            }
        }

        @Override
        public void close() throws IOException {
            rig.close();
            for (RawEngine engine : engines) {
                engine.close();
            }
        }
    }

    private static void assertFewDie(Stack stack, int most) throws IOException {
        for (int repeated = 0; repeated < 4; repeated++) {
            assertThat(stack.ask(POISON).status()).isEqualTo(502);
            stack.assertOthersServed();
        }
        assertThat(stack.ask(POISON).text()).contains("\"code\":\"poison_suspected\"");
        assertThat(stack.deaths()).hasValue(most);
        stack.rig().assertNothingLeft();
    }

    @Test
    void anEngineThatSaysThatItIsDeadHasDied() throws IOException {
        try (Stack stack = Stack.start(setup(2), Collections.nCopies(4, Role.UNIFIED), wire -> wire.json(500, DEAD))) {
            assertFewDie(stack, 2);
        }
    }

    /** With this connector decode may go on alone when prefill has failed. */
    @ParameterizedTest
    @ValueSource(ints = {1, 2})
    void theDeathOfAPrefillWorkerCountsToo(int most) throws IOException {
        List<Role> roles = List.of(Role.PREFILL, Role.PREFILL, Role.PREFILL, Role.DECODE, Role.DECODE, Role.DECODE);
        GatewayRig.Setup setup = setup(most).set("tandem.disagg.connector", "shared-cache");
        try (Stack stack = Stack.start(setup, roles, RawEngine.Wire::reset)) {
            assertFewDie(stack, most);
        }
    }

    private static GatewayRig.Setup setup(int suspectWorkers) {
        return GatewayRig.setup().set("tandem.retry.suspect-workers", Integer.toString(suspectWorkers));
    }

    /** Who is asked to go on with a stream, and is full, is not dead. */
    @ParameterizedTest
    @ValueSource(strings = {"on", "off"})
    void onlyTheDeadCount(String resume) throws IOException {
        try (RawEngine one = RawEngine.start("tiny");
                RawEngine other = RawEngine.start("tiny");
                GatewayRig rig = GatewayRig.setup()
                        .worker("one", one.url(), Role.UNIFIED)
                        .worker("other", other.url(), Role.UNIFIED)
                        .set("tandem.stream.resume", resume)
                        .set("tandem.retry.suspect-workers", "2")
                        .start()) {
            AtomicInteger asked = new AtomicInteger();
            RawEngine.Behaviour dies = (request, wire) -> {
                if (asked.getAndIncrement() == 0) {
                    wire.stream();
                    wire.chunk("data: {\"choices\":[{\"index\":0,\"text\":\"a\"}]}\n\n");
                    wire.reset();
                } else {
                    wire.json(400, "{}");
                }
            };
            one.on(dies);
            other.on(dies);
            String ask = "{\"model\":\"tiny\",\"stream\":true,\"temperature\":0,\"prompt\":\"x\"}";

            assertThat(RawClient.post(rig.port(), PATH, ask).text()).contains("stream_interrupted");
            assertThat(RawClient.post(rig.port(), PATH, ask).status()).isEqualTo(400);
            rig.assertNothingLeft();
        }
    }
}
