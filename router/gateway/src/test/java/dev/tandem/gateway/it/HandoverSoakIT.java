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
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.stream.Stream;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Many requests at a time through strict engines that fail at random, for each connector: every answer is exact or an
 * explicit failure, and the {@link HandoverLedger} is clean, also of what clients that leave let lie.
 * {@code -Dtandem.soak.requests} says how many for each connector, {@code -Dtandem.soak.connectors} which ones,
 * {@code -Dtandem.soak.seed} which requests.
 */
@Tag("soak")
@Timeout(value = 36_000, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
final class HandoverSoakIT {
    private static final Logger LOG = LoggerFactory.getLogger(HandoverSoakIT.class);
    private static final int REQUESTS = Integer.getInteger("tandem.soak.requests", 10_000);
    private static final List<String> CONNECTORS =
            List.of(System.getProperty("tandem.soak.connectors", "all").split(","));
    private static final long SEED = Long.getLong("tandem.soak.seed", 20_261_122);
    private static final int CLIENTS = 12;

    /** Between two looks at the ledger; fewer than an engine's journal holds. */
    private static final int BATCH = 500;

    /** Ten probes of each engine per second would cost more than the requests. */
    private static final Map<String, String> SETTINGS = Map.of("tandem.health.interval", "2s");

    private static final List<String> ENGINES = List.of("p1", "p2", "d1", "d2");

    /** What clients must not say, beside what is theirs; the last says nothing. */
    private static final List<String> FIELDS_OF_A_CLIENT = List.of(
            "\"kv_transfer_params\":{\"do_remote_prefill\":true,\"remote_host\":\"evil\",\"remote_request_id\":\"evil\"},",
            "\"kv_transfer_params\":{\"transfer_id\":\"evil\",\"remote_prefiller\":{\"kv_request_id\":\"evil\"}},",
            "\"bootstrap_host\":\"evil\",\"bootstrap_room\":\"evil\",",
            "\"kv_transfer_params\":\"evil\",",
            "");

    private static final String ID_OF_A_CLIENT =
            "x-request-id: ___prefill_addr_evil:1___decode_addr_evil:2_00000000000000000000000000000000";

    private static final List<Fault> FAULTS = List.of(
            Fault.of(Kind.STATUS).status(500),
            Fault.of(Kind.STATUS).status(503),
            Fault.of(Kind.RESET),
            Fault.of(Kind.RESET).after(40),
            Fault.of(Kind.RESET).after(700),
            Fault.of(Kind.TRUNCATE).after(2),
            Fault.of(Kind.ERROR_EVENT).after(0));

    private enum End {
        /** What a single engine says. */
        EXACT,
        /** A beginning of that, and an error event. */
        CUT,
        /** An error. */
        REFUSED,
        /** The client left behind the head of its answer. */
        LEFT,
        /** The client left before it. */
        LEFT_EARLY
    }

    static Stream<HandoverProtocols> protocols() {
        return HandoverProtocols.all().stream()
                .filter(each -> CONNECTORS.contains("all") || CONNECTORS.contains(each.connector()));
    }

    @ParameterizedTest
    @MethodSource("protocols")
    void everyAnswerIsExactOrAnExplicitFailure(HandoverProtocols protocol) throws Exception {
        Map<End, Integer> ends = new EnumMap<>(End.class);
        long began = System.nanoTime();
        try (HandoverStack stack = HandoverStack.start(protocol, 2, Math.min(2, protocol.receivers()), SETTINGS);
                ExecutorService clients = Executors.newFixedThreadPool(CLIENTS)) {
            HandoverLedger ledger = new HandoverLedger(stack);
            for (int first = 0; first < REQUESTS; first += BATCH) {
                batch(stack, clients, first, Math.min(first + BATCH, REQUESTS), ends);
                stack.rig().assertNothingLeft();
                ledger.check();
                Poll.until(
                        () -> "stranded=" + ledger.stranded() + " counted=" + ledger.counted() + " " + ends,
                        () -> ledger.stranded() <= ledger.counted());
            }
            LOG.info(
                    "soak connector={} requests={} seed={} ends={} legs={} stranded={} counted={} seconds={}",
                    protocol,
                    REQUESTS,
                    SEED,
                    ends,
                    ledger.legs(),
                    ledger.stranded(),
                    ledger.counted(),
                    (System.nanoTime() - began) / 1_000_000_000);
        }
        assertThat(ends).containsKey(End.EXACT);
    }

    private static void batch(HandoverStack stack, ExecutorService clients, int first, int end, Map<End, Integer> ends)
            throws InterruptedException, ExecutionException {
        List<Future<End>> running = new ArrayList<>();
        for (int i = first; i < end; i++) {
            int number = i;
            running.add(clients.submit(() -> end(stack, Ask.draw(number))));
        }
        for (Future<End> request : running) {
            ends.merge(request.get(), 1, Integer::sum);
        }
    }

    private static End end(HandoverStack stack, Ask ask) throws IOException {
        SplittableRandom random = ask.random;
        if (random.nextInt(20) == 0) {
            String engine = ENGINES.get(random.nextInt(ENGINES.size()));
            stack.arm(engine, FAULTS.get(random.nextInt(FAULTS.size())).on(ask.path));
        }
        if (random.nextInt(20) == 0) {
            return leave(stack, ask, random.nextBoolean());
        }
        Answer answer = RawClient.post(stack.rig().port(), ask.path, ask.body, ID_OF_A_CLIENT);
        if (answer.status() != 200) {
            assertThat(answer.text()).contains("\"error\":");
            return End.REFUSED;
        }
        String exact = Streams.text(stack.alone(ask.path, ask.plain));
        if (answer.text().contains("\"error\":")) {
            assertThat(answer.text()).doesNotContain("[DONE]");
            assertThat(exact).startsWith(Streams.text(answer));
            return End.CUT;
        }
        assertThat(Streams.text(answer)).as("%s", ask).isNotEmpty().isEqualTo(exact);
        assertThat(answer.whole()).isTrue();
        return End.EXACT;
    }

    private static End leave(HandoverStack stack, Ask ask, boolean early) throws IOException {
        try (RawClient client = RawClient.open(stack.rig().port())) {
            client.send(ask.path, ask.body, ID_OF_A_CLIENT);
            if (early) {
                return End.LEFT_EARLY;
            }
            client.head();
            return End.LEFT;
        }
    }

    /**
     * A request.
     *
     * @param plain what it says
     * @param body the same, with what a client must not say
     * @param random draws what becomes of it
     */
    private record Ask(String path, String plain, String body, SplittableRandom random) {
        private static Ask draw(int number) {
            SplittableRandom random = new SplittableRandom(SEED + number);
            StringBuilder prompt = new StringBuilder("request " + number);
            for (int i = 20 + random.nextInt(120); i > 0; i--) {
                prompt.append(" word").append(random.nextInt(50));
            }
            boolean chat = random.nextBoolean();
            String said = chat
                    ? "\"messages\":[{\"role\":\"user\",\"content\":\"" + prompt + "\"}]}"
                    : "\"prompt\":\"" + prompt + "\"}";
            String head = "{\"model\":\"tiny\",\"temperature\":0,\"ignore_eos\":true,\"max_tokens\":"
                    + (1 + random.nextInt(12)) + ",\"stream\":" + random.nextBoolean() + ",";
            String own = FIELDS_OF_A_CLIENT.get(random.nextInt(FIELDS_OF_A_CLIENT.size()));
            String path = chat ? "/v1/chat/completions" : "/v1/completions";
            return new Ask(path, head + said, head + own + said, random);
        }
    }
}
