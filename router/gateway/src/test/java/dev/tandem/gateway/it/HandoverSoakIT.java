// SPDX-License-Identifier: Apache-2.0
package dev.tandem.gateway.it;

import static org.assertj.core.api.Assertions.assertThat;

import dev.tandem.gateway.it.DrawnRequest.End;
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
    private static final int MOST_TOKENS = 12;
    private static final int MOST_ATTEMPTS = 3;

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

    private static final List<Fault> FAULTS = List.of(
            Fault.of(Kind.STATUS).status(500),
            Fault.of(Kind.STATUS).status(503),
            Fault.of(Kind.RESET),
            Fault.of(Kind.RESET).after(40),
            Fault.of(Kind.RESET).after(700),
            Fault.of(Kind.TRUNCATE).after(2),
            Fault.of(Kind.ERROR_EVENT).after(0));

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
            long seed = SEED + i;
            running.add(clients.submit(() -> end(stack, DrawnRequest.draw(seed, MOST_TOKENS, FIELDS_OF_A_CLIENT))));
        }
        for (Future<End> request : running) {
            ends.merge(request.get(), 1, Integer::sum);
        }
    }

    private static End end(HandoverStack stack, DrawnRequest request) throws IOException {
        SplittableRandom random = request.random();
        if (random.nextInt(20) == 0) {
            String engine = ENGINES.get(random.nextInt(ENGINES.size()));
            stack.arm(engine, FAULTS.get(random.nextInt(FAULTS.size())).on(request.path()));
        }
        if (random.nextInt(20) == 0) {
            return request.leave(stack, random.nextBoolean()).end();
        }
        return request.send(stack, MOST_ATTEMPTS).end();
    }
}
