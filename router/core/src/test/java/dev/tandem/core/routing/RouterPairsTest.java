// SPDX-License-Identifier: Apache-2.0
package dev.tandem.core.routing;

import static org.assertj.core.api.Assertions.assertThat;

import dev.tandem.core.disagg.ConnectorChoice;
import dev.tandem.core.failure.Failure;
import dev.tandem.core.fleet.EngineFacts;
import dev.tandem.core.fleet.EngineVersion;
import dev.tandem.core.fleet.Fleet;
import dev.tandem.core.fleet.FleetSettings;
import dev.tandem.core.fleet.Lease;
import dev.tandem.core.fleet.Probe;
import dev.tandem.core.fleet.Role;
import dev.tandem.core.fleet.Worker;
import dev.tandem.core.fleet.WorkerPair;
import dev.tandem.core.fleet.Workers;
import dev.tandem.core.request.ApiKind;
import dev.tandem.core.routing.RoutingDecision.Disaggregated;
import dev.tandem.core.routing.RoutingDecision.Unified;
import dev.tandem.core.routing.RoutingDecision.Unroutable;
import dev.tandem.core.time.FakeTicker;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Who is paired with whom: never engines that cannot read each other's KV caches. */
class RouterPairsTest {
    private static final String OLD = "0.31.0";
    private static final String NEW = "0.32.0";
    private static final Worker P1 = Workers.worker("p1", Role.PREFILL);
    private static final Worker P2 = Workers.worker("p2", Role.PREFILL);
    private static final Worker D1 = Workers.worker("d1", Role.DECODE);
    private static final Worker D2 = Workers.worker("d2", Role.DECODE);

    private final FakeTicker ticker = new FakeTicker();
    private final Fleet fleet = new Fleet(FleetSettings.defaults(), ticker);
    private final SplittableRandom random = new SplittableRandom(11);

    @Test
    void inTheMiddleOfAnUpgradeEachVersionServesItself() {
        fleet.replace(List.of(P1, P2, D1, D2));
        up(P1, OLD);
        up(D1, OLD);
        up(P2, NEW);
        up(D2, NEW);

        assertThat(pairs("nixl", Set.of(), 200)).containsExactlyInAnyOrder(pair("p1", "d1"), pair("p2", "d2"));
    }

    @Test
    void aDecodeWorkerWithoutAPartnerIsPassedOver() {
        fleet.replace(List.of(P1, D1, D2));
        up(P1, OLD);
        up(D1, NEW);
        up(D2, OLD);

        assertThat(pairs("nixl", Set.of(), 100)).containsExactly(pair("p1", "d2"));
    }

    @Test
    void aPartnerThatIsDownOrHasFailedIsNone() {
        fleet.replace(List.of(P1, P2, D1, D2));
        up(P1, OLD);
        up(D1, OLD);
        up(P2, NEW);
        up(D2, NEW);

        assertThat(pairs("nixl", Set.of("p1"), 100)).containsExactly(pair("p2", "d2"));
        fleet.onFailed(P2, Failure.CONNECT_FAILED);
        assertThat(pairs("nixl", Set.of(), 100)).containsExactly(pair("p1", "d1"));
    }

    @Test
    void whenNoPairIsLeftOneWorkerServesWhole() {
        fleet.replace(List.of(P1, D1));
        up(P1, OLD);
        up(D1, NEW);

        assertThat(router("nixl").route(request(), Set.of()))
                .isEqualTo(new Unified(
                        D1,
                        new Rationale(
                                "round-robin",
                                "no decode worker that is up can read from a prefill worker that is up")));
    }

    @Test
    void whenNoPairIsLeftAndNobodyServesWholeTheReasonSaysSo() {
        fleet.replace(List.of(P1, D1));
        up(P1, "0.12.0");
        up(D1, "0.13.0");

        assertThat(router("p2p-nccl").route(request(), Set.of()))
                .isEqualTo(new Unroutable(
                        Failure.NO_WORKER,
                        new Rationale(
                                "random", "no decode worker that is up can read from a prefill worker that is up")));
    }

    @ParameterizedTest
    @ValueSource(strings = {"shared-cache", "lmcache-mp", "lmcache-pd", "llamacpp-slot"})
    void protocolsThatReadByContentPairVersions(String connector) {
        fleet.replace(List.of(P1, D1));
        up(P1, OLD);
        up(D1, NEW);

        assertThat(pairs(connector, Set.of(), 10)).containsExactly(pair("p1", "d1"));
    }

    @Test
    void unknownVersionsPairWithAll() {
        fleet.replace(List.of(P1, D1));
        fleet.onProbe("p1", new Probe.Healthy(Set.of("m")));
        up(D1, NEW);

        assertThat(pairs("nixl", Set.of(), 10)).containsExactly(pair("p1", "d1"));
    }

    @Test
    void theOperatorsGroupsAreKept() {
        fleet.replace(List.of(P1, P2, D1, D2));
        grouped(P1, "a");
        grouped(P2, "b");
        grouped(D1, "b");
        fleet.onProbe("d2", new Probe.Healthy(Set.of("m")));

        assertThat(pairs("shared-cache", Set.of(), 100)).containsExactly(pair("p2", "d1"));
    }

    @Test
    void strangersAreNeverPaired() {
        fleet.replace(List.of(P1, P2, D1, D2));
        speaking(P1, "nixl");
        speaking(D1, "nixl");
        speaking(P2, "p2p-nccl");
        speaking(D2, "p2p-nccl");

        assertThat(pairs("auto", Set.of(), 200)).containsExactlyInAnyOrder(pair("p1", "d1"), pair("p2", "d2"));
    }

    @Test
    void withoutItsPartnerALongPromptGoesToWhoeverServesAloneAndToNobodyElse() {
        fleet.replace(List.of(P1, P2, D1, D2));
        speaking(P1, "nixl");
        speaking(D1, "nixl");
        speaking(P2, "p2p-nccl");
        speaking(D2, "p2p-nccl");
        Router router = router("auto");

        assertThat(router.route(request(), Set.of("p1", "p2")))
                .isInstanceOfSatisfying(
                        Unified.class, whole -> assertThat(whole.worker()).isEqualTo(D1));
        assertThat(router.route(request(), Set.of("p1", "d1")))
                .isInstanceOfSatisfying(
                        Disaggregated.class,
                        paired -> assertThat(paired.decode()).isEqualTo(D2));
        assertThat(router.route(request(), Set.of("p2", "d1")))
                .isInstanceOfSatisfying(
                        Unified.class, whole -> assertThat(whole.worker()).isEqualTo(P1));
        assertThat(router.route(request(), Set.of("p1", "p2", "d1"))).isInstanceOf(Unroutable.class);
    }

    @Test
    void strangersOfWhomNobodyServesAloneSayThatThereIsNoPair() {
        fleet.replace(List.of(P1, P2, D1, D2));
        speaking(P1, "p2p-nccl");
        speaking(D1, "moriio-read");
        speaking(P2, "moriio-read");
        speaking(D2, "p2p-nccl");

        assertThat(router("auto").route(request(), Set.of("p2", "d2")))
                .isEqualTo(new Unroutable(
                        Failure.NO_WORKER,
                        new Rationale(
                                "random", "no decode worker that is up can read from a prefill worker that is up")));
    }

    @Test
    void aPairInQuarantineIsNotUsedAndItsWorkersAre() {
        fleet.replace(List.of(P1, P2, D1, D2));
        List.of(P1, P2, D1, D2).forEach(worker -> up(worker, NEW));
        fleet.quarantine(pair("p1", "d1"), true);

        assertThat(pairs("nixl", Set.of(), 300))
                .containsExactlyInAnyOrder(pair("p1", "d2"), pair("p2", "d1"), pair("p2", "d2"));
        fleet.quarantine(pair("p1", "d1"), false);
        assertThat(pairs("nixl", Set.of(), 300)).contains(pair("p1", "d1"));
    }

    @Test
    void aPairWhoseHandOversFailIsNotUsedForAWhileAndItsWorkersAre() {
        fleet.replace(List.of(P1, P2, D1, D2));
        List.of(P1, P2, D1, D2).forEach(worker -> up(worker, NEW));
        failHandOvers("p1", "d1", 4);
        fleet.onHandover(pair("p1", "d1"), true);
        failHandOvers("p1", "d1", 4);
        assertThat(pairs("nixl", Set.of(), 300)).contains(pair("p1", "d1"));

        failHandOvers("p1", "d1", 1);
        assertThat(pairs("nixl", Set.of(), 300))
                .containsExactlyInAnyOrder(pair("p1", "d2"), pair("p2", "d1"), pair("p2", "d2"));
        assertThat(fleet.snapshot().ejected()).containsExactly(pair("p1", "d1"));
    }

    @Test
    void handOversOfAWorkerThatIsIllItselfSayNothingOfItsPairs() {
        fleet.replace(List.of(P1, P2, D1, D2));
        List.of(P1, P2, D1, D2).forEach(worker -> up(worker, NEW));
        fleet.onFailed(P1, Failure.CONNECT_FAILED);
        failHandOvers("p1", "d1", 20);

        assertThat(fleet.snapshot().ejected()).isEmpty();
    }

    @Test
    void anEjectedPairGetsOneRequestAtATimeUntilOneSucceeds() {
        fleet.replace(List.of(P1, P2, D1, D2));
        List.of(P1, P2, D1, D2).forEach(worker -> up(worker, NEW));
        failHandOvers("p1", "d1", 5);
        ticker.advance(Duration.ofSeconds(5));
        up(P1, NEW);
        assertThat(pairs("nixl", Set.of(), 300)).contains(pair("p1", "d1"));

        try (Lease lease = fleet.leaseDecode(pair("p1", "d1"), D1)) {
            assertThat(pairs("nixl", Set.of(), 300)).doesNotContain(pair("p1", "d1"));
            fleet.onHandover(pair("p1", "d1"), false);
            ticker.advance(Duration.ofSeconds(5));
            up(P1, NEW);
            assertThat(fleet.snapshot().ejected()).as("twice as long").isNotEmpty();
            assertThat(lease.seat().worker()).isEqualTo(D1);
        }
        ticker.advance(Duration.ofSeconds(5));
        try (Lease lease = fleet.leaseDecode(pair("p1", "d1"), D1)) {
            assertThat(lease.seat().worker()).isEqualTo(D1);
            fleet.onHandover(pair("p1", "d1"), true);
        }
        assertThat(fleet.snapshot().ejected()).isEmpty();
        assertThat(pairs("nixl", Set.of(), 300)).contains(pair("p1", "d1"));
    }

    @Test
    void anEjectedPairIsBetterThanNone() {
        fleet.replace(List.of(P1, D1));
        List.of(P1, D1).forEach(worker -> up(worker, NEW));
        failHandOvers("p1", "d1", 5);

        assertThat(router("nixl").route(request(), Set.of()))
                .as("served whole")
                .isInstanceOf(RoutingDecision.Unified.class);
        assertThat(pairs("moriio-write", Set.of(), 1))
                .as("these engines serve nothing alone")
                .containsExactly(pair("p1", "d1"));
    }

    @Test
    void quarantineEndsWithItsWorkers() {
        fleet.replace(List.of(P1, D1));
        fleet.quarantine(pair("p1", "d1"), true);
        fleet.quarantine(pair("p1", "nobody"), true);
        assertThat(fleet.snapshot().quarantined()).containsExactly(pair("p1", "d1"));

        fleet.replace(List.of(P1, Workers.worker("d1", Role.UNIFIED)));
        assertThat(fleet.snapshot().quarantined()).isEmpty();
    }

    /** Versions, groups and quarantines by chance, over and over: nobody is ever paired who may not be. */
    @Test
    void noPairThatMayNotBeIsEverChosen() {
        List<Worker> all = new ArrayList<>(Workers.workers(4, Role.PREFILL));
        all.addAll(Workers.workers(4, Role.DECODE).stream()
                .map(worker -> Workers.worker("d-" + worker.id(), Role.DECODE))
                .toList());
        fleet.replace(all);
        ConnectorChoice nixl = ConnectorChoice.named("nixl").orElseThrow();
        Router router = router("nixl");
        int split = 0;
        for (int step = 0; step < 5_000; step++) {
            disturb(all);
            if (router.route(request(), Set.of()) instanceof Disaggregated(Worker prefill, Worker decode, var why)) {
                split++;
                assertThat(nixl.pairs(facts(prefill), facts(decode)))
                        .as("step %d: %s and %s, %s", step, facts(prefill), facts(decode), why)
                        .isTrue();
                assertThat(fleet.snapshot().quarantined()).doesNotContain(pair(prefill.id(), decode.id()));
            }
        }
        assertThat(split).as("decisions that chose a pair").isBetween(1_000, 4_999);
    }

    private void failHandOvers(String prefill, String decode, int times) {
        for (int i = 0; i < times; i++) {
            fleet.onHandover(pair(prefill, decode), false);
        }
    }

    private void disturb(List<Worker> all) {
        Worker worker = all.get(random.nextInt(all.size()));
        Worker other = all.get(random.nextInt(all.size()));
        switch (random.nextInt(6)) {
            case 0 -> fleet.onFailed(worker, Failure.CONNECT_FAILED);
            case 1 -> grouped(worker, random.nextBoolean() ? "a" : "b");
            case 2 -> fleet.quarantine(pair(worker.id(), other.id()), random.nextInt(3) > 0);
            case 3 -> fleet.onProbe(worker.id(), new Probe.Healthy(Set.of("m")));
            default -> up(worker, random.nextBoolean() ? OLD : NEW);
        }
    }

    private EngineFacts facts(Worker worker) {
        return fleet.statuses().stream()
                .filter(status -> status.worker().equals(worker))
                .findFirst()
                .orElseThrow()
                .facts();
    }

    private Set<WorkerPair> pairs(String connector, Set<String> excluded, int requests) {
        Router router = router(connector);
        Set<WorkerPair> seen = new HashSet<>();
        for (int i = 0; i < requests; i++) {
            if (router.route(request(), excluded) instanceof Disaggregated(Worker prefill, Worker decode, var why)) {
                seen.add(pair(prefill.id(), decode.id()));
            }
        }
        return seen;
    }

    private Router router(String connector) {
        ConnectorChoice choice = ConnectorChoice.named(connector).orElseThrow();
        HandoverRule rule = new HandoverRule() {
            @Override
            public Set<ApiKind> between(List<EngineFacts> prefill, List<EngineFacts> decode) {
                return choice.apis(speaking(prefill), speaking(decode));
            }

            private List<EngineFacts> speaking(List<EngineFacts> engines) {
                return engines.stream().map(this::speaking).toList();
            }

            private EngineFacts speaking(EngineFacts facts) {
                return facts.connector() == null ? facts.speaking(connector) : facts;
            }

            @Override
            public boolean servesWhole(Role role, EngineFacts engine) {
                return choice.servesWhole(role, speaking(engine));
            }

            @Override
            public boolean pairs(EngineFacts prefill, EngineFacts decode) {
                return choice.pairs(speaking(prefill), speaking(decode));
            }
        };
        RoutingSettings settings = new RoutingSettings("round-robin", "random", 256, 2048, 1.25);
        return new Router(fleet, settings, rule, () -> random, new FakeTicker());
    }

    private void up(Worker worker, String version) {
        EngineFacts facts = EngineFacts.UNKNOWN.running(new EngineVersion(version));
        fleet.onProbe(worker.id(), new Probe.Healthy(Set.of("m"), facts));
    }

    private void grouped(Worker worker, String group) {
        fleet.onProbe(worker.id(), new Probe.Healthy(Set.of("m"), EngineFacts.UNKNOWN.in(group)));
    }

    private void speaking(Worker worker, String connector) {
        fleet.onProbe(worker.id(), new Probe.Healthy(Set.of("m"), EngineFacts.UNKNOWN.speaking(connector)));
    }

    private static WorkerPair pair(String prefill, String decode) {
        return new WorkerPair(prefill, decode);
    }

    private static RoutingRequest request() {
        return Requests.request("m", Requests.text("hello"), 1_000, null, true);
    }
}
