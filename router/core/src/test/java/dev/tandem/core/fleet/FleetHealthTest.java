// SPDX-License-Identifier: Apache-2.0
package dev.tandem.core.fleet;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import dev.tandem.core.failure.Failure;
import dev.tandem.core.fleet.WorkerStatus.State;
import dev.tandem.core.time.FakeTicker;
import java.time.Duration;
import java.util.ArrayList;
import java.util.EnumSet;
import java.util.List;
import java.util.Set;
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
            status -> changes.add(status.worker().id() + " " + status.state() + ": " + status.reason()));

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
        assertThat(state()).isEqualTo(State.UP);
        assertThat(changes).containsExactly("a UP: ok", "a DOWN: connection refused or timed out", "a UP: ok");
    }

    @Test
    void otherFailuresMustFollowEachOther() {
        probe(GOOD, 1);
        fail(Failure.ENGINE_ERROR, 4);
        fleet.onCompleted(A);
        fail(Failure.ENGINE_TIMEOUT, 4);
        assertThat(state()).isEqualTo(State.UP);
        fail(Failure.ENGINE_DROPPED, 1);
        assertThat(state()).isEqualTo(State.DOWN);
        assertThat(status().reason()).isEqualTo("5 requests failed in a row, last: engine_dropped");
    }

    @Test
    void goodProbesDoNotForgiveFailedRequests() {
        probe(GOOD, 1);
        fail(Failure.ENGINE_ERROR, 4);
        probe(GOOD, 3);
        fail(Failure.ENGINE_ERROR, 1);
        assertThat(state()).isEqualTo(State.DOWN);
    }

    @Test
    void failuresBeforeAReturnDoNotCountAfterIt() {
        probe(GOOD, 1);
        fail(Failure.ENGINE_ERROR, 5);
        probe(GOOD, 2);
        fail(Failure.ENGINE_ERROR, 4);
        assertThat(state()).isEqualTo(State.UP);
    }

    @ParameterizedTest
    @EnumSource(Failure.class)
    void onlyFailuresThatBlameTheWorkerCount(Failure failure) {
        probe(GOOD, 1);
        fail(failure, 10);
        assertThat(state()).isEqualTo(failure.blamesWorker() ? State.DOWN : State.UP);
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
        ticker.advance(Duration.ofMinutes(1));
        fleet.onFailed(A, Failure.CONNECT_FAILED);
        probe(GOOD, 2);
        assertThat(capacity()).isEqualTo(0.1);
    }

    @Test
    void slowStartCanBeSwitchedOff() {
        Fleet plain = new Fleet(new FleetSettings(1, 1, 1, Duration.ZERO, 0.1), ticker);
        plain.replace(List.of(A));
        plain.onProbe("a", GOOD);
        plain.onProbe("a", BAD);
        plain.onProbe("a", GOOD);
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
