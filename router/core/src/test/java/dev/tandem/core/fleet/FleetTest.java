// SPDX-License-Identifier: Apache-2.0
package dev.tandem.core.fleet;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.tandem.core.health.ConcurrencyLimit;
import dev.tandem.core.time.FakeTicker;
import java.net.URI;
import java.util.ArrayList;
import java.util.EnumSet;
import java.util.List;
import java.util.Set;
import java.util.SplittableRandom;
import java.util.concurrent.CountDownLatch;
import org.junit.jupiter.api.Test;

/** Who is in the fleet, what they serve and how busy they are. */
class FleetTest {
    private static final Set<Role> ANY = EnumSet.allOf(Role.class);
    private static final Worker P = Workers.worker("p", Role.PREFILL);
    private static final Worker D = Workers.worker("d", Role.DECODE);

    private final Fleet fleet = new Fleet(FleetSettings.defaults(), new FakeTicker());

    @Test
    void listsWorkersInTheOrderOfTheirIds() {
        fleet.replace(List.of(P, D));
        assertThat(fleet.workers()).containsExactly(D, P);
        assertThat(fleet.snapshot().pool(null, ANY).members().workers()).containsExactly(D, P);
    }

    @Test
    void refusesTwoWorkersOfOneIdAndKeepsWhatItHad() {
        fleet.replace(List.of(P));
        assertThatThrownBy(() -> fleet.replace(List.of(D, P, Workers.worker("d", Role.PREFILL))))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessage("worker id: d (expected: unique)");
        assertThat(fleet.workers()).containsExactly(P);
    }

    @Test
    void keepsLoadAndHealthOfWorkersThatStay() {
        fleet.replace(List.of(P, D));
        fleet.onProbe("p", healthy("m"));
        Lease lease = fleet.lease(P, 100);
        fleet.replace(List.of(P));
        assertThat(fleet.statuses())
                .containsExactly(new WorkerStatus(
                        P,
                        WorkerStatus.State.UP,
                        "ok",
                        Set.of("m"),
                        EngineFacts.UNKNOWN,
                        1,
                        ConcurrencyLimit.NONE,
                        100,
                        1));
        lease.close();
        assertThat(fleet.statuses().getFirst().inFlight()).isZero();
    }

    @Test
    void aWorkerAtAnotherAddressBeginsAnew() {
        fleet.replace(List.of(P));
        fleet.onProbe("p", healthy("m"));
        Lease lease = fleet.lease(P, 100);
        fleet.replace(List.of(new Worker("p", URI.create("http://elsewhere:8000"), Role.PREFILL)));
        WorkerStatus status = fleet.statuses().getFirst();
        assertThat(status.state()).isEqualTo(WorkerStatus.State.UNKNOWN);
        assertThat(status.inFlight()).isZero();
        lease.close();
        assertThat(fleet.statuses().getFirst().inFlight()).isZero();
        assertThat(fleet.leases()).isZero();
    }

    @Test
    void modelsAreTheUnionOfWhatWorkersLastListedEvenWhenDown() {
        fleet.replace(List.of(P, D));
        fleet.onProbe("p", healthy("b", "a"));
        fleet.onProbe("d", healthy("c"));
        for (int i = 0; i < 3; i++) {
            fleet.onProbe("d", new Probe.Unhealthy("gone"));
        }
        assertThat(fleet.models()).containsExactly("a", "b", "c");
        fleet.onProbe("p", healthy("a"));
        assertThat(fleet.models()).containsExactly("a", "c");
    }

    @Test
    void knowsWhatSomeWorkerHasEverListed() {
        fleet.replace(List.of(P));
        assertThat(fleet.knows("a")).isFalse();
        assertThat(fleet.knows(null)).isTrue();
        fleet.onProbe("p", healthy("a"));
        fleet.onProbe("p", healthy("b"));
        assertThat(fleet.knows("a")).isTrue();
        assertThat(fleet.knows("b")).isTrue();
        assertThat(fleet.knows("c")).isFalse();
    }

    @Test
    void poolsHoldTheWorkersOfTheRoleThatListTheModel() {
        fleet.replace(List.of(P, D));
        fleet.onProbe("p", healthy("a"));
        fleet.onProbe("d", healthy("a", "b"));
        FleetSnapshot snapshot = fleet.snapshot();
        assertThat(snapshot.pool("a", ANY).members().workers()).containsExactly(D, P);
        assertThat(snapshot.pool("b", ANY).members().workers()).containsExactly(D);
        assertThat(snapshot.pool("a", EnumSet.of(Role.PREFILL)).members().workers())
                .containsExactly(P);
        assertThat(snapshot.pool("c", ANY).members().size()).isZero();
    }

    @Test
    void snapshotChangesWithWorkersAndModelsOnly() {
        fleet.replace(List.of(P));
        FleetSnapshot before = fleet.snapshot();
        fleet.onProbe("p", healthy());
        fleet.drain("p", true);
        fleet.lease(P, 1);
        assertThat(fleet.snapshot()).isSameAs(before);
        fleet.onProbe("p", healthy("a"));
        assertThat(fleet.snapshot()).isNotSameAs(before);
    }

    @Test
    void takesTheLowestFreeSeat() {
        fleet.replace(List.of(P));
        Lease zero = fleet.lease(P, 0);
        Lease one = fleet.lease(P, 0);
        Lease two = fleet.lease(P, 0);
        assertThat(List.of(zero, one, two))
                .extracting(lease -> lease.seat().number())
                .containsExactly(0, 1, 2);
        one.close();
        assertThat(fleet.lease(P, 0).seat()).isEqualTo(new Seat(P, 1, EngineFacts.UNKNOWN));
        assertThat(fleet.lease(P, 0).seat()).isEqualTo(new Seat(P, 3, EngineFacts.UNKNOWN));
    }

    @Test
    void pendingTokensDropAtTheFirstTokenAndRequestsAtTheEnd() {
        fleet.replace(List.of(P));
        Lease lease = fleet.lease(P, 500);
        LoadView load = fleet.snapshot().pool(null, ANY).load();
        assertThat(load.pendingTokens(0)).isEqualTo(500);
        lease.onFirstToken();
        lease.onFirstToken();
        assertThat(load.pendingTokens(0)).isZero();
        assertThat(load.inFlight(0)).isEqualTo(1);
        lease.close();
        lease.close();
        lease.onFirstToken();
        assertThat(load.inFlight(0)).isZero();
        assertThat(load.pendingTokens(0)).isZero();
        assertThat(fleet.leases()).isZero();
    }

    @Test
    void aSeatIsFreeFromTheLastTokenOn() {
        fleet.replace(List.of(P));
        Lease said = fleet.lease(P, 500);
        said.onLastToken();
        said.onLastToken();
        assertThat(fleet.statuses().getFirst().pendingTokens()).isZero();
        assertThat(fleet.leases()).isEqualTo(1);
        try (Lease next = fleet.lease(P, 0)) {
            assertThat(next.seat().number()).isZero();
            said.close();
            assertThat(fleet.leases()).isEqualTo(1);
            assertThat(fleet.statuses().getFirst().inFlight()).isEqualTo(1);
        }
    }

    @Test
    void aLeaseThatEndsWithoutATokenReturnsItsTokens() {
        fleet.replace(List.of(P));
        fleet.lease(P, 500).close();
        assertThat(fleet.statuses().getFirst().pendingTokens()).isZero();
    }

    @Test
    void leasesBalanceUnderConcurrency() throws InterruptedException {
        List<Worker> workers = Workers.workers(3, Role.UNIFIED);
        fleet.replace(workers);
        int threads = 8;
        CountDownLatch start = new CountDownLatch(1);
        List<Thread> running = new ArrayList<>();
        List<Throwable> faults = java.util.Collections.synchronizedList(new ArrayList<>());
        for (int t = 0; t < threads; t++) {
            long seed = t;
            running.add(Thread.ofPlatform()
                    .uncaughtExceptionHandler((thread, fault) -> faults.add(fault))
                    .start(() -> churn(workers, new SplittableRandom(seed), start)));
        }
        start.countDown();
        for (Thread thread : running) {
            thread.join();
        }
        assertThat(faults).isEmpty();
        assertThat(fleet.leases()).isZero();
        assertThat(fleet.statuses()).allSatisfy(status -> {
            assertThat(status.inFlight()).isZero();
            assertThat(status.pendingTokens()).isZero();
        });
        assertThat(fleet.lease(workers.getFirst(), 0).seat().number()).isZero();
    }

    private void churn(List<Worker> workers, SplittableRandom random, CountDownLatch start) {
        await(start);
        List<Lease> open = new ArrayList<>();
        for (int i = 0; i < 20_000; i++) {
            if (open.size() < 16 && random.nextBoolean()) {
                open.add(fleet.lease(workers.get(random.nextInt(workers.size())), random.nextInt(1000)));
            } else if (!open.isEmpty()) {
                Lease lease = open.get(random.nextInt(open.size()));
                if (random.nextBoolean()) {
                    lease.onFirstToken();
                } else if (random.nextBoolean()) {
                    lease.onLastToken();
                } else {
                    lease.close();
                    open.remove(lease);
                }
            }
            if (i % 1000 == 0) {
                fleet.replace(workers);
            }
        }
        open.forEach(Lease::close);
    }

    private static void await(CountDownLatch latch) {
        try {
            latch.await();
        } catch (InterruptedException e) {
            throw new IllegalStateException(e);
        }
    }

    private static Probe healthy(String... models) {
        return new Probe.Healthy(Set.of(models));
    }
}
