// SPDX-License-Identifier: Apache-2.0
package dev.tandem.core.fleet;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import dev.tandem.core.failure.Failure;
import dev.tandem.core.fleet.WorkerStatus.State;
import dev.tandem.core.health.BreakerSettings;
import dev.tandem.core.health.ConcurrencyLimit;
import dev.tandem.core.health.ForwardProgress;
import dev.tandem.core.time.FakeTicker;
import java.time.Duration;
import java.util.ArrayList;
import java.util.EnumSet;
import java.util.List;
import java.util.Set;
import java.util.stream.IntStream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** When a worker counts as healthy. */
class FleetHealthTest {
    private static final Probe GOOD = new Probe.Healthy(Set.of("m"));
    private static final Probe BAD = new Probe.Unhealthy("health check answered 503");
    private static final Worker A = Workers.worker("a", Role.UNIFIED);

    private final FakeTicker ticker = new FakeTicker();
    private final List<String> changes = new ArrayList<>();
    private final Fleet fleet = new Fleet(
            FleetSettings.defaults(),
            ticker,
            status -> changes.add(status.worker().id() + " " + status.state() + ": " + status.reason()),
            () -> 0.5);

    @BeforeEach
    void addWorker() {
        fleet.replace(List.of(A));
    }

    @Test
    void isUnknownAndNotEligibleBeforeTheFirstProbe() {
        assertThat(state()).isEqualTo(State.UNKNOWN);
        assertThat(eligible()).isFalse();
        assertThat(fleet.hasListedModels()).isFalse();
    }

    @Test
    void isUpAfterOneGoodProbeAndStartsAtFullCapacity() {
        probe(GOOD, 1);
        assertThat(state()).isEqualTo(State.UP);
        assertThat(eligible()).isTrue();
        assertThat(capacity()).isEqualTo(1);
        assertThat(changes).containsExactly("a UP: ok");
    }

    @Test
    void firstStartStaysQuickAfterBadProbes() {
        probe(BAD, 5);
        assertThat(state()).isEqualTo(State.DOWN);
        probe(GOOD, 1);
        assertThat(state()).isEqualTo(State.UP);
        assertThat(capacity()).isEqualTo(1);
    }

    @Test
    void fallsAfterThreeBadProbesInARow() {
        probe(GOOD, 1);
        probe(BAD, 2);
        probe(GOOD, 1);
        probe(BAD, 2);
        assertThat(state()).isEqualTo(State.UP);
        probe(BAD, 1);
        assertThat(state()).isEqualTo(State.DOWN);
        assertThat(status().reason()).isEqualTo("health check answered 503");
    }

    @Test
    void returnsAfterTwoGoodProbesInARow() {
        bringDown();
        probe(GOOD, 1);
        probe(BAD, 1);
        probe(GOOD, 1);
        assertThat(state()).isEqualTo(State.DOWN);
        probe(GOOD, 1);
        assertThat(state()).isEqualTo(State.PROBATION);
        succeed();
        assertThat(state()).isEqualTo(State.UP);
    }

    @Test
    void oneRefusedConnectionTakesTheWorkerOut() {
        probe(GOOD, 1);
        fleet.onFailed(A, Failure.CONNECT_FAILED);
        assertThat(state()).isEqualTo(State.DOWN);
        probe(GOOD, 1);
        assertThat(state()).isEqualTo(State.DOWN);
        probe(GOOD, 1);
        succeed();
        assertThat(changes)
                .containsExactly(
                        "a UP: ok",
                        "a DOWN: connection refused or timed out",
                        "a PROBATION: on probation since it came back",
                        "a UP: ok");
    }

    @Test
    void otherFailuresMustFollowEachOther() {
        probe(GOOD, 1);
        fail(Failure.ENGINE_ERROR, 4);
        fleet.onCompleted(A);
        fail(Failure.ENGINE_TIMEOUT, 4);
        assertThat(state()).isEqualTo(State.UP);
        fail(Failure.ENGINE_DROPPED, 1);
        assertThat(state()).isEqualTo(State.EJECTED);
        assertThat(status().reason()).isEqualTo("5 requests failed in a row, last: engine_dropped");
    }

    @Test
    void goodProbesDoNotForgiveFailedRequests() {
        probe(GOOD, 1);
        fail(Failure.ENGINE_ERROR, 4);
        probe(GOOD, 3);
        fail(Failure.ENGINE_ERROR, 1);
        probe(GOOD, 3);
        assertThat(state()).isEqualTo(State.EJECTED);
    }

    @Test
    void failuresBeforeAReturnDoNotCountAfterIt() {
        probe(GOOD, 1);
        fail(Failure.ENGINE_ERROR, 4);
        fleet.onFailed(A, Failure.CONNECT_FAILED);
        probe(GOOD, 2);
        succeed();
        fail(Failure.ENGINE_ERROR, 4);
        assertThat(state()).isEqualTo(State.UP);
    }

    @Test
    void theRequestOnProbationDecides() {
        probe(GOOD, 1);
        fail(Failure.ENGINE_ERROR, 5);
        ticker.advance(Duration.ofSeconds(5));
        probe(GOOD, 1);
        assertThat(changes.getLast()).startsWith("a PROBATION: 5 requests failed in a row");
        try (Lease lease = fleet.lease(A, 0)) {
            fleet.onFailed(lease.seat().worker(), Failure.ENGINE_ERROR);
        }
        assertThat(changes.getLast()).isEqualTo("a EJECTED: the request on probation failed: engine_error");
        ticker.advance(Duration.ofSeconds(10));
        succeed();
        assertThat(changes.getLast()).isEqualTo("a UP: ok");
        assertThat(capacity()).isEqualTo(0.1);
    }

    @Test
    void whoHasFailedItsLastProbeIsNotTried() {
        probe(GOOD, 1);
        fail(Failure.ENGINE_DROPPED, 5);
        probe(BAD, 2);
        ticker.advance(Duration.ofSeconds(5));
        assertThat(state()).isEqualTo(State.EJECTED);
        probe(GOOD, 1);
        assertThat(state()).isEqualTo(State.PROBATION);
    }

    @Test
    void whoeverComesBackFromTheDeadNeedNotWaitForTheEndOfItsEjection() {
        probe(GOOD, 1);
        fail(Failure.ENGINE_DROPPED, 5);
        fleet.onFailed(A, Failure.CONNECT_FAILED);
        assertThat(state()).isEqualTo(State.DOWN);
        probe(GOOD, 2);
        assertThat(state()).isEqualTo(State.PROBATION);
    }

    @Test
    void ejectsNobodyWhereMoreThanHalfWouldBe() {
        List<Worker> three = Workers.workers(3, Role.DECODE);
        List<String> panics = new ArrayList<>();
        Fleet pool = new Fleet(
                FleetSettings.defaults(),
                ticker,
                new Fleet.Listener() {
                    @Override
                    public void onChange(WorkerStatus status) {}

                    @Override
                    public void onPanic(Role role, boolean on) {
                        panics.add(role + " " + on);
                    }
                },
                () -> 0.5);
        pool.replace(three);
        three.forEach(worker -> pool.onProbe(worker.id(), GOOD));
        eject(pool, three.get(0));
        assertThat(eligible(pool)).containsExactly(1, 2);
        assertThat(panics).isEmpty();
        eject(pool, three.get(1));
        assertThat(eligible(pool)).containsExactly(0, 1, 2);
        eject(pool, three.get(2));
        assertThat(panics).containsExactly("DECODE true");
        pool.onFailed(three.get(0), Failure.CONNECT_FAILED);
        assertThat(eligible(pool)).as("nobody is sent to who does not listen").containsExactly(1, 2);
        ticker.advance(Duration.ofSeconds(5));
        for (Worker worker : three.subList(1, 3)) {
            pool.lease(worker, 0).close();
            try (Lease lease = pool.lease(worker, 0)) {
                pool.onAnswered(lease.seat().worker());
            }
        }
        assertThat(panics).containsExactly("DECODE true", "DECODE false");
        assertThat(eligible(pool)).containsExactly(1, 2);
    }

    @Test
    void workersOfAnotherModelDoNotCountForAPool() {
        List<Worker> two = Workers.workers(2, Role.DECODE);
        Fleet pool = new Fleet(FleetSettings.defaults(), ticker);
        pool.replace(two);
        pool.onProbe(two.get(0).id(), new Probe.Healthy(Set.of("one")));
        pool.onProbe(two.get(1).id(), new Probe.Healthy(Set.of("other")));
        eject(pool, two.get(0));
        assertThat(eligible(pool)).containsExactly(0, 1);
    }

    @Test
    void aWorkerThatIsWellAndBringsNothingForwardIsEjected() {
        probe(GOOD, 1);
        ForwardProgress.Answer stream = fleet.progress(A).expect(true);
        stream.sent();
        try (Lease prompt = fleet.lease(A, 1_000)) {
            ticker.advance(Duration.ofSeconds(22));
            probe(GOOD, 1);
            assertThat(state()).as("20 s and 2 ms for each token").isEqualTo(State.UP);
            prompt.onFirstToken();
        }
        probe(GOOD, 1);
        assertThat(changes.getLast()).isEqualTo("a EJECTED: no byte for 22 s while requests run");

        ticker.advance(Duration.ofSeconds(5));
        probe(GOOD, 3);
        assertThat(state()).isEqualTo(State.PROBATION);
        try (Lease lease = fleet.lease(A, 0)) {
            ticker.advance(Duration.ofSeconds(20));
            probe(GOOD, 1);
            assertThat(state()).as("as long as any request, %s", lease.seat()).isEqualTo(State.PROBATION);
            ticker.advance(Duration.ofSeconds(1));
            probe(GOOD, 1);
            assertThat(state()).isEqualTo(State.EJECTED);
        }
        ticker.advance(Duration.ofSeconds(10));
        stream.over();
        succeed();
        probe(GOOD, 1);
        assertThat(state()).isEqualTo(State.UP);
    }

    @ParameterizedTest
    @EnumSource(Another.class)
    void whoWaitsForAWorkerThatDoesNothingIsToldIfAnotherOneIsThere(Another another) {
        Worker b = Workers.worker("b", another == Another.OF_ANOTHER_ROLE ? Role.DECODE : Role.UNIFIED);
        fleet.replace(another == Another.NONE ? List.of(A) : List.of(A, b));
        probe(GOOD, 1);
        fleet.onProbe("b", another == Another.OF_ANOTHER_MODEL ? new Probe.Healthy(Set.of("n")) : GOOD);
        if (another == Another.DOWN) {
            fleet.onFailed(b, Failure.CONNECT_FAILED);
        }
        List<String> told = new ArrayList<>();
        ForwardProgress.Answer stream = fleet.progress(A).expect(true);
        stream.awaitedBy(() -> told.add("stream"));
        stream.sent();

        ticker.advance(Duration.ofSeconds(20));
        probe(GOOD, 1);
        assertThat(told).isEmpty();
        ticker.advance(Duration.ofSeconds(1));
        probe(GOOD, 1);
        assertThat(told).hasSize(another == Another.UP ? 1 : 0);
    }

    @Test
    void ofTwoRequestsThatComeToAWorkerOnProbationOneIsSurplus() {
        Worker b = Workers.worker("b", Role.UNIFIED);
        fleet.replace(List.of(A, b));
        probe(GOOD, 1);
        fleet.onProbe("b", GOOD);
        assertThat(fleet.lease(A, 0).surplus()).isFalse();
        eject(fleet, A);
        ticker.advance(Duration.ofSeconds(5));
        assertThat(state()).isEqualTo(State.PROBATION);

        Lease first = fleet.lease(A, 0);
        assertThat(first.surplus()).isFalse();
        assertThat(fleet.lease(A, 0).surplus()).isTrue();
        first.close();
        assertThat(fleet.lease(A, 0).surplus()).isFalse();
    }

    /** Another worker. */
    enum Another {
        UP,
        DOWN,
        OF_ANOTHER_MODEL,
        OF_ANOTHER_ROLE,
        NONE
    }

    @Test
    void aWorkerThatFailsItsProbesIsWaitedForNoLongerThanOneThatPassesThem() {
        Worker b = Workers.worker("b", Role.UNIFIED);
        fleet.replace(List.of(A, b));
        probe(GOOD, 1);
        fleet.onProbe("b", GOOD);
        List<String> told = new ArrayList<>();
        ForwardProgress.Answer stream = fleet.progress(A).expect(true);
        stream.awaitedBy(() -> told.add("stream"));
        stream.sent();
        probe(BAD, 3);
        assertThat(state()).isEqualTo(State.DOWN);
        ticker.advance(Duration.ofSeconds(20));
        probe(BAD, 1);
        assertThat(told).as("an engine may be too busy for its probes").isEmpty();
        ticker.advance(Duration.ofSeconds(1));
        probe(BAD, 1);
        assertThat(told).hasSize(1);
    }

    @Test
    void aFullWorkerGetsNoMoreThanItTakes() {
        probe(GOOD, 1);
        List<Lease> leases = new ArrayList<>();
        for (int i = 0; i < 10; i++) {
            leases.add(fleet.lease(A, 0));
        }
        assertThat(eligible()).isTrue();
        fleet.onRefused(A, Duration.ofSeconds(2));
        leases.removeLast().close();
        leases.forEach(Lease::close);
        assertThat(eligible()).as("until the time that it has said").isFalse();
        assertThat(status().full()).isTrue();
        ticker.advance(Duration.ofSeconds(2));
        assertThat(status().limit()).isEqualTo(7);
        assertThat(eligible()).isTrue();
        for (int i = 0; i < 7; i++) {
            leases.add(fleet.lease(A, 0));
        }
        assertThat(eligible()).isFalse();
        assertThat(state()).as("it is well").isEqualTo(State.UP);

        fleet.onFailed(A, Failure.CONNECT_FAILED);
        probe(GOOD, 2);
        assertThat(status().limit()).as("another engine").isEqualTo(ConcurrencyLimit.NONE);
    }

    @Test
    void aWorkerOnProbationGetsOneRequestAtATime() {
        List<Worker> two = Workers.workers(2, Role.DECODE);
        Fleet pool = new Fleet(FleetSettings.defaults(), ticker);
        pool.replace(two);
        two.forEach(worker -> pool.onProbe(worker.id(), GOOD));
        pool.onFailed(two.get(0), Failure.CONNECT_FAILED);
        pool.onProbe(two.get(0).id(), GOOD);
        pool.onProbe(two.get(0).id(), GOOD);
        assertThat(eligible(pool)).containsExactly(0, 1);
        try (Lease lease = pool.lease(two.get(0), 0)) {
            assertThat(eligible(pool)).as("besides %s", lease.seat()).containsExactly(1);
        }
        assertThat(eligible(pool)).as("that one proved nothing").containsExactly(0, 1);
    }

    @ParameterizedTest
    @EnumSource(Failure.class)
    void onlyFailuresThatBlameTheWorkerCount(Failure failure) {
        probe(GOOD, 1);
        fail(failure, 10);
        assertThat(state())
                .isEqualTo(
                        failure == Failure.CONNECT_FAILED
                                ? State.DOWN
                                : failure.blamesWorker() ? State.EJECTED : State.UP);
    }

    @Test
    void drainingHidesUpAndKeepsHealth() {
        probe(GOOD, 1);
        fleet.drain("a", true);
        assertThat(state()).isEqualTo(State.DRAINING);
        assertThat(eligible()).isFalse();
        fleet.drain("a", false);
        assertThat(state()).isEqualTo(State.UP);
        assertThat(capacity()).isEqualTo(1);
        assertThat(changes).containsExactly("a UP: ok", "a DRAINING: draining", "a UP: ok");
    }

    @Test
    void startsSlowlyAfterAReturn() {
        bringDown();
        probe(GOOD, 2);
        assertThat(capacity()).as("until the request on probation").isEqualTo(1);
        succeed();
        assertThat(capacity()).isEqualTo(0.1);
        ticker.advance(Duration.ofSeconds(15));
        assertThat(capacity()).isCloseTo(0.55, within(1e-9));
        ticker.advance(Duration.ofSeconds(15));
        assertThat(capacity()).isEqualTo(1);
        ticker.advance(Duration.ofDays(400));
        assertThat(capacity()).isEqualTo(1);
    }

    @Test
    void startsSlowlyAgainAfterASecondReturn() {
        bringDown();
        probe(GOOD, 2);
        succeed();
        ticker.advance(Duration.ofMinutes(1));
        fleet.onFailed(A, Failure.CONNECT_FAILED);
        probe(GOOD, 2);
        succeed();
        assertThat(capacity()).isEqualTo(0.1);
    }

    @Test
    void slowStartCanBeSwitchedOff() {
        Fleet plain = new Fleet(
                new FleetSettings(1, 1, BreakerSettings.defaults(), Duration.ZERO, Duration.ZERO, Duration.ZERO, 0.1),
                ticker);
        plain.replace(List.of(A));
        plain.onProbe("a", GOOD);
        plain.onProbe("a", BAD);
        plain.onProbe("a", GOOD);
        try (Lease lease = plain.lease(A, 0)) {
            plain.onAnswered(lease.seat().worker());
        }
        assertThat(plain.statuses().getFirst().state()).isEqualTo(State.UP);
        assertThat(plain.snapshot().pool("m", EnumSet.allOf(Role.class)).load().capacity(0))
                .isEqualTo(1);
    }

    @Test
    void eventsOfWorkersThatLeftAreIgnored() {
        fleet.onProbe("gone", GOOD);
        fleet.drain("gone", true);
        fleet.onFailed(Workers.worker("gone", Role.DECODE), Failure.CONNECT_FAILED);
        fleet.onCompleted(Workers.worker("gone", Role.DECODE));
        assertThat(changes).isEmpty();
    }

    /** A request begins to be answered. */
    private void succeed() {
        try (Lease lease = fleet.lease(A, 0)) {
            fleet.onAnswered(lease.seat().worker());
        }
    }

    private static void eject(Fleet from, Worker worker) {
        for (int i = 0; i < 5; i++) {
            from.onFailed(worker, Failure.ENGINE_ERROR);
        }
    }

    private static List<Integer> eligible(Fleet of) {
        Pool all = of.snapshot().pool(null, EnumSet.allOf(Role.class));
        return IntStream.range(0, all.members().size())
                .filter(all.load()::eligible)
                .boxed()
                .toList();
    }

    private void bringDown() {
        probe(GOOD, 1);
        probe(BAD, 3);
        assertThat(state()).isEqualTo(State.DOWN);
    }

    private void probe(Probe probe, int times) {
        for (int i = 0; i < times; i++) {
            fleet.onProbe("a", probe);
        }
    }

    private void fail(Failure failure, int times) {
        for (int i = 0; i < times; i++) {
            fleet.onFailed(A, failure);
        }
    }

    private WorkerStatus status() {
        return fleet.statuses().getFirst();
    }

    private State state() {
        return status().state();
    }

    private boolean eligible() {
        return pool().load().eligible(0);
    }

    private double capacity() {
        return pool().load().capacity(0);
    }

    private Pool pool() {
        return fleet.snapshot().pool(null, EnumSet.allOf(Role.class));
    }
}
