// SPDX-License-Identifier: Apache-2.0
package dev.tandem.gateway.it;

import static org.assertj.core.api.Assertions.assertThat;

import dev.tandem.gateway.it.DrawnRequest.End;
import dev.tandem.gateway.it.DrawnRequest.Outcome;
import dev.tandem.simulator.http.Fault;
import java.net.URI;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.EnumMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.stream.Stream;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.MethodSource;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Eight strict engines behind {@link FaultProxy proxies} that spoil requests, engines that die and come back, and
 * clients that leave: each request has exactly one outcome, each answer is exact or an explicit failure, attempts are
 * bounded, nothing is left at rest, and the {@link HandoverLedger} is clean, for each {@link ChaosRun}.
 *
 * <p>All that happens is drawn from a seed, for each request and for each proxy; with one client
 * ({@code -Dtandem.chaos.clients=1}) in the same order, too. The profile {@code chaos} runs as many requests as
 * {@code -Dtandem.chaos.requests} says with {@code -Dtandem.chaos.connectors}; the normal build runs a few.
 */
@Timeout(value = 36_000, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
final class ChaosIT {
    private static final Logger LOG = LoggerFactory.getLogger(ChaosIT.class);
    private static final int REQUESTS = Integer.getInteger("tandem.chaos.requests", 10_000);
    private static final int FEW_REQUESTS = 150;
    private static final int CLIENTS = Integer.getInteger("tandem.chaos.clients", 12);
    private static final long SEED = Long.getLong("tandem.chaos.seed", 20_261_122);
    private static final List<String> CONNECTORS =
            List.of(System.getProperty("tandem.chaos.connectors", "nixl").split(","));

    /** Between two looks at the ledger; fewer than an engine's journal holds. */
    private static final int BATCH = 500;

    private static final int PREFILLS = 3;
    private static final int DECODES = 5;
    private static final int MOST_TOKENS = 48;

    /** Engines whose proxies do harm, and that die; the others keep exactness possible. */
    private static final List<String> HOSTILE = List.of("p1", "p2", "d1", "d2", "d3");

    private static Stream<Arguments> longRuns() {
        return HandoverProtocols.all().stream()
                .filter(each -> CONNECTORS.contains("all") || CONNECTORS.contains(each.connector()))
                .flatMap(each -> Arrays.stream(ChaosRun.values()).map(run -> Arguments.of(each, run)));
    }

    @ParameterizedTest
    @EnumSource
    void aFewRequestsAreExactOrExplicitFailures(ChaosRun run) throws Exception {
        HandoverProtocols nixl = HandoverProtocols.all().stream()
                .filter(each -> each.connector().equals("nixl"))
                .findFirst()
                .orElseThrow();
        run(nixl, run, FEW_REQUESTS);
    }

    @ParameterizedTest
    @MethodSource("longRuns")
    @Tag("chaos")
    void manyRequestsAreExactOrExplicitFailures(HandoverProtocols protocol, ChaosRun run) throws Exception {
        run(protocol, run, REQUESTS);
    }

    private static void run(HandoverProtocols protocol, ChaosRun run, int requests) throws Exception {
        Proxies proxies = new Proxies();
        long began = System.nanoTime();
        try (proxies;
                HandoverStack stack = HandoverStack.start(
                        protocol, PREFILLS, Math.min(DECODES, protocol.receivers()), run::apply, proxies::before);
                ExecutorService clients = Executors.newFixedThreadPool(CLIENTS)) {
            Chaos chaos = new Chaos(stack, clients, run);
            for (int first = 0; first < requests; first += BATCH) {
                chaos.batch(first, Math.min(first + BATCH, requests));
            }
            LOG.info(
                    "chaos connector={} run={} requests={} seed={} ends={} codes={} harm={} slow={} retries={} resumes={} seconds={}",
                    protocol,
                    run,
                    requests,
                    SEED,
                    chaos.ends,
                    chaos.codes,
                    proxies.counts(true),
                    proxies.counts(false),
                    stack.rig().metric("tandem_retries_total"),
                    stack.rig().metric("tandem_resumes_total"),
                    (System.nanoTime() - began) / 1_000_000_000);
            run.check(chaos.ends, requests);
        } catch (AssertionError | ExecutionException broken) {
            throw new AssertionError(
                    "-Dtandem.chaos.seed=" + SEED + " -Dtandem.chaos.requests=" + requests + " run=" + run, broken);
        }
        assertThat(proxies.counts(true)).as("kinds of harm").hasSizeGreaterThan(3);
    }

    /** The requests of one run. */
    private static final class Chaos {
        private final HandoverStack stack;
        private final ExecutorService clients;
        private final ChaosRun run;
        private final HandoverLedger ledger;
        private final Map<End, Integer> ends = new EnumMap<>(End.class);
        private final Map<String, Integer> codes = new TreeMap<>();

        private Chaos(HandoverStack stack, ExecutorService clients, ChaosRun run) {
            this.stack = stack;
            this.clients = clients;
            this.run = run;
            this.ledger = new HandoverLedger(stack);
        }

        private void batch(int first, int end) throws Exception {
            Map<Long, Future<Outcome>> running = new LinkedHashMap<>();
            for (int i = first; i < end; i++) {
                DrawnRequest request = draw(SEED + i);
                running.put(SEED + i, clients.submit(() -> outcome(request)));
            }
            for (Future<Outcome> request : running.values()) {
                ends.merge(request.get().end(), 1, Integer::sum);
                codes.merge(request.get().code(), 1, Integer::sum);
            }
            stack.rig().assertNothingLeft();
            assertEachIsCountedOnce(end);
            ledger.check();
            for (Map.Entry<Long, Future<Outcome>> request : running.entrySet()) {
                long seed = request.getKey();
                run.check(draw(seed), request.getValue().get(), ledger.attempts(seed));
            }
            Poll.until(
                    () -> "stranded=" + ledger.stranded() + " counted=" + ledger.counted() + " " + ends,
                    () -> ledger.stranded() <= ledger.counted());
        }

        private static DrawnRequest draw(long seed) {
            return DrawnRequest.draw(seed, MOST_TOKENS, List.of(""));
        }

        /** Nobody knows whether a request has come whose client left at once. */
        private void assertEachIsCountedOnce(int sent) {
            Poll.until(
                    () -> "counted=" + counted() + " sent=" + sent + " " + ends,
                    () -> counted() >= sent - ends.getOrDefault(End.LEFT_EARLY, 0) && counted() <= sent);
        }

        private double counted() {
            return stack.rig().metric("tandem_requests_total");
        }

        private Outcome outcome(DrawnRequest request) throws Exception {
            if (request.random().nextInt(200) == 0) {
                String engine = HOSTILE.get(request.random().nextInt(HOSTILE.size()));
                stack.arm(engine, Fault.of(Fault.Kind.RESTART).on(request.path()));
            }
            if (request.random().nextInt(20) == 0) {
                return request.leave(stack, request.random().nextBoolean());
            }
            return request.send(stack, run.mostAttempts());
        }
    }

    /** One proxy before each engine. Confined to one thread. */
    private static final class Proxies implements AutoCloseable {
        private final List<FaultProxy> all = new ArrayList<>();

        private URI before(String id, URI engine) {
            FaultProxy proxy = FaultProxy.start(engine, SEED + 1_000_003L * all.size(), HOSTILE.contains(id));
            all.add(proxy);
            return proxy.url();
        }

        /** Returns how often each kind has happened, of those that do harm or of the others. */
        private Map<Mischief.Kind, Long> counts(boolean harmful) {
            Map<Mischief.Kind, Long> counts = new EnumMap<>(Mischief.Kind.class);
            for (Mischief.Kind kind : Mischief.Kind.values()) {
                long count = all.stream().mapToLong(proxy -> proxy.count(kind)).sum();
                if (kind.harmful() == harmful && count > 0) {
                    counts.put(kind, count);
                }
            }
            return counts;
        }

        @Override
        public void close() {
            all.forEach(FaultProxy::close);
        }
    }
}
