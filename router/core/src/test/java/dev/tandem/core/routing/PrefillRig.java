// SPDX-License-Identifier: Apache-2.0
package dev.tandem.core.routing;

import dev.tandem.core.fleet.Fleet;
import dev.tandem.core.fleet.FleetSettings;
import dev.tandem.core.fleet.Lease;
import dev.tandem.core.fleet.Probe;
import dev.tandem.core.fleet.Role;
import dev.tandem.core.fleet.Worker;
import dev.tandem.core.fleet.WorkerStatus;
import dev.tandem.core.fleet.Workers;
import dev.tandem.core.time.FakeTicker;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.PriorityQueue;
import java.util.Set;
import java.util.SplittableRandom;
import java.util.stream.LongStream;

/**
 * A fleet in virtual time whose workers compute prompts one after the other at a constant rate. Confined to one thread.
 */
final class PrefillRig {
    /** Tokens that a worker computes in a second. */
    static final double RATE = 20_000;

    private final FakeTicker ticker = new FakeTicker();
    private final Fleet fleet = new Fleet(FleetSettings.defaults(), ticker);
    private final Router router;
    private final PriorityQueue<Running> running = new PriorityQueue<>(Comparator.comparingLong(Running::doneNanos));
    private final Map<Worker, Long> freeAtNanos = new HashMap<>();

    /** A request whose prompt is being computed or waits for it. */
    private record Running(Lease lease, long doneNanos) {}

    PrefillRig(int size, long batchTokens, long seed) {
        SplittableRandom random = new SplittableRandom(seed);
        RoutingSettings settings = new RoutingSettings("prefix-hash", "prefix-hash", 256, batchTokens, 1.25);
        fleet.replace(Workers.workers(size, Role.UNIFIED));
        workers().forEach(worker -> fleet.onProbe(worker.id(), new Probe.Healthy(Set.of("m"))));
        router = new Router(fleet, settings, HandoverRule.NEVER, () -> random, ticker);
    }

    Fleet fleet() {
        return fleet;
    }

    List<Worker> workers() {
        return fleet.workers();
    }

    /** Lets time pass; whoever is done by then has its first token. */
    void pass(double seconds) {
        long until = ticker.nanoTime() + (long) (seconds * 1e9);
        while (!running.isEmpty() && running.peek().doneNanos() <= until) {
            finishNext();
        }
        ticker.advanceTo(until);
    }

    /** Routes a request and starts it. */
    Worker send(RoutingRequest request) {
        RoutingDecision decision = router.route(request, Set.of());
        if (!(decision instanceof RoutingDecision.Unified(Worker worker, Rationale why))) {
            throw new AssertionError(decision);
        }
        long begin = Math.max(ticker.nanoTime(), freeAtNanos.getOrDefault(worker, 0L));
        long done = begin + (long) (request.promptTokens() / RATE * 1e9);
        freeAtNanos.put(worker, done);
        running.add(new Running(fleet.lease(worker, request.promptTokens()), done));
        return worker;
    }

    /** Returns the most pending tokens of a worker as a multiple of the mean; 0 when nobody has more than the floor. */
    double excess(long floor) {
        long most = pending().max().orElse(0);
        return most > floor ? most / pending().average().orElse(0) : 0;
    }

    /** Returns what the busiest worker has pending beyond the floor, as a multiple of the mean. */
    double beyond(long floor) {
        return Math.max(0, pending().max().orElse(0) - floor)
                / pending().average().orElse(1);
    }

    private LongStream pending() {
        return fleet.statuses().stream().mapToLong(WorkerStatus::pendingTokens);
    }

    private void finishNext() {
        Running next = running.remove();
        ticker.advanceTo(next.doneNanos());
        next.lease().close();
    }
}
