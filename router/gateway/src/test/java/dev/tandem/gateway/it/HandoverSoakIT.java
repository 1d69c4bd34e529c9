// SPDX-License-Identifier: Apache-2.0
package dev.tandem.gateway.it;

import static org.assertj.core.api.Assertions.assertThat;

import dev.tandem.gateway.it.RawClient.Answer;
import dev.tandem.simulator.http.Fault;
import dev.tandem.simulator.http.Fault.Kind;
import java.io.IOException;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.stream.Stream;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * Many requests at a time through strict engines that fail at random, for each connector: every answer is exact or an
 * explicit failure, no engine sees what a correct router does not send (parameters twice, stale, foreign or of a
 * client), and nothing is left. {@code -Dtandem.soak.requests} says how many, {@code -Dtandem.soak.seed} which.
 */
@Tag("soak")
@Timeout(value = 3_600, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
final class HandoverSoakIT {
    private static final String PATH = "/v1/completions";
    private static final int REQUESTS = Integer.getInteger("tandem.soak.requests", 10_000);
    private static final long SEED = Long.getLong("tandem.soak.seed", 20_261_122);
    private static final int CLIENTS = 12;
    private static final String OF_A_CLIENT = ",\"kv_transfer_params\":{\"remote_host\":\"evil\"}";
    private static final List<String> ENGINES = List.of("p1", "p2", "d1", "d2");

    private static final List<Fault> FAULTS = List.of(
            Fault.of(Kind.STATUS).status(500),
            Fault.of(Kind.STATUS).status(503),
            Fault.of(Kind.RESET),
            Fault.of(Kind.RESET).after(40),
            Fault.of(Kind.RESET).after(700),
            Fault.of(Kind.TRUNCATE).after(2),
            Fault.of(Kind.ERROR_EVENT).after(0));

    private enum End {
        EXACT,
        CUT,
        REFUSED,
        LEFT
    }

    static Stream<HandoverProtocols> protocols() {
        return HandoverProtocols.all().stream();
    }

    @ParameterizedTest
    @MethodSource("protocols")
    void everyAnswerIsExactOrAnExplicitFailure(HandoverProtocols protocol) throws Exception {
        Map<End, Integer> ends = new EnumMap<>(End.class);
        try (HandoverStack stack = HandoverStack.start(protocol, 2, Math.min(2, protocol.receivers()));
                ExecutorService clients = Executors.newFixedThreadPool(CLIENTS)) {
            List<Future<End>> running = new ArrayList<>();
            for (int i = 0; i < REQUESTS; i++) {
                int number = i;
                running.add(clients.submit(() -> end(stack, number)));
            }
            for (Future<End> request : running) {
                ends.merge(request.get(), 1, Integer::sum);
            }
            stack.rig().assertNothingLeft();
            assertThat(stack.violations()).isEmpty();
        }
        System.err.println("soak " + protocol + " seed=" + SEED + " " + ends);
        assertThat(ends).containsKey(End.EXACT);
    }

    private static End end(HandoverStack stack, int number) throws IOException {
        SplittableRandom random = new SplittableRandom(SEED + number);
        String ask = ask(random, number);
        if (random.nextInt(20) == 0) {
            String engine = ENGINES.get(random.nextInt(ENGINES.size()));
            stack.arm(engine, FAULTS.get(random.nextInt(FAULTS.size())).on(PATH));
        }
        if (random.nextInt(20) == 0) {
            return leave(stack, ask, random);
        }
        Answer answer = RawClient.post(stack.rig().port(), PATH, ask);
        if (answer.status() != 200) {
            assertThat(answer.text()).contains("\"error\":");
            return End.REFUSED;
        }
        String exact = Streams.text(stack.alone(PATH, ask.replace(OF_A_CLIENT, "")));
        if (answer.text().contains("\"error\":")) {
            assertThat(answer.text()).doesNotContain("[DONE]");
            assertThat(exact).startsWith(Streams.text(answer));
            return End.CUT;
        }
        assertThat(Streams.text(answer)).as("request %d", number).isEqualTo(exact);
        assertThat(answer.whole()).isTrue();
        return End.EXACT;
    }

    private static End leave(HandoverStack stack, String ask, SplittableRandom random) throws IOException {
        try (RawClient client = RawClient.open(stack.rig().port())) {
            client.send(PATH, ask);
            if (random.nextBoolean()) {
                client.head();
            }
        }
        return End.LEFT;
    }

    private static String ask(SplittableRandom random, int number) {
        StringBuilder prompt = new StringBuilder("request " + number);
        for (int i = 20 + random.nextInt(120); i > 0; i--) {
            prompt.append(" word").append(random.nextInt(50));
        }
        return "{\"model\":\"tiny\",\"temperature\":0,\"ignore_eos\":true,\"max_tokens\":" + (1 + random.nextInt(12))
                + OF_A_CLIENT + ",\"stream\":" + random.nextBoolean()
                + ",\"prompt\":\"" + prompt + "\"}";
    }
}
