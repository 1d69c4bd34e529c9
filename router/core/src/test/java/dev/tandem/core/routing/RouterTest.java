// SPDX-License-Identifier: Apache-2.0
package dev.tandem.core.routing;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.tandem.core.failure.Failure;
import dev.tandem.core.fleet.EngineFacts;
import dev.tandem.core.fleet.Fleet;
import dev.tandem.core.fleet.FleetSettings;
import dev.tandem.core.fleet.Lease;
import dev.tandem.core.fleet.Probe;
import dev.tandem.core.fleet.Role;
import dev.tandem.core.fleet.Worker;
import dev.tandem.core.fleet.WorkerStatus;
import dev.tandem.core.fleet.WorkerStatus.State;
import dev.tandem.core.fleet.Workers;
import dev.tandem.core.request.ApiKind;
import dev.tandem.core.routing.RoutingDecision.Disaggregated;
import dev.tandem.core.routing.RoutingDecision.Unified;
import dev.tandem.core.routing.RoutingDecision.Unroutable;
import dev.tandem.core.time.FakeTicker;
import java.time.Duration;
import java.util.ArrayList;
import java.util.EnumSet;
import java.util.List;
import java.util.Set;
import java.util.SplittableRandom;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

/** Which rule applies, and what the decision says about it. */
class RouterTest {
    private static final Worker P = Workers.worker("p", Role.PREFILL);
    private static final Worker D = Workers.worker("d", Role.DECODE);
    private static final Worker U = Workers.worker("u", Role.UNIFIED);
    private static final RoutingRequest LONG = of("m", 1000, true);
    private static final RoutingRequest SHORT = of("m", 120, true);
    private static final RoutingRequest WHOLE = of("m", 1000, false);

    private final FakeTicker ticker = new FakeTicker();
    private final Fleet fleet = new Fleet(FleetSettings.defaults(), ticker);

    @Test
    void aLongPromptGoesToAPair() {
        up(P, D);
        assertThat(route(LONG))
                .isEqualTo(new Disaggregated(P, D, why("prefix-hash", "prompt of 1000 tokens, a pair is up")));
    }

    @Test
    void exactlyOneChunkIsEnoughToSplit() {
        up(P, D);
        assertThat(route(of("m", 256, true))).isInstanceOf(Disaggregated.class);
        assertThat(route(of("m", 255, true))).isInstanceOf(Unified.class);
    }

    @Test
    void aShortPromptRunsWholeOnDecode() {
        up(P, D);
        assertThat(route(SHORT)).isEqualTo(new Unified(D, why("prefix-hash", "prompt of 120 tokens is below 256")));
    }

    @Test
    void whatCanNotBeSplitRunsWhole() {
        up(P, D);
        assertThat(route(WHOLE)).isEqualTo(new Unified(D, why("prefix-hash", "the request can not be split")));
    }

    @Test
    void unifiedWorkersTakeWholeRequestsAndLeaveLongOnesToThePair() {
        up(P, D, U);
        assertThat(route(SHORT))
                .isInstanceOfSatisfying(
                        Unified.class, u -> assertThat(u.worker()).isEqualTo(U));
        assertThat(route(WHOLE))
                .isInstanceOfSatisfying(
                        Unified.class, u -> assertThat(u.worker()).isEqualTo(U));
        assertThat(route(LONG)).isInstanceOf(Disaggregated.class);
    }

    @Test
    void aLongPromptWithoutItsPairUsesDecodeAndUnifiedWorkersAlike() {
        up(D, U);
        List<Worker> seen = new ArrayList<>();
        Router router = router(RoutingSettings.defaults());
        for (int i = 0; i < 100; i++) {
            RoutingRequest request = Requests.chat(Requests.text("prompt " + i), 1000);
            if (router.route(request, Set.of()) instanceof Unified unified) {
                seen.add(unified.worker());
                assertThat(unified.why().reason()).isEqualTo("no prefill worker serves the model");
            }
        }
        assertThat(seen).hasSize(100).contains(D, U);
    }

    @Test
    void withoutDecodePrefillServesAlone() {
        up(P);
        assertThat(route(LONG)).isEqualTo(new Unified(P, why("prefix-hash", "no decode worker serves the model")));
        assertThat(route(SHORT))
                .isInstanceOfSatisfying(
                        Unified.class, u -> assertThat(u.worker()).isEqualTo(P));
    }

    @Test
    void aDecodeWorkerThatIsDownLeavesPrefillAlone() {
        up(P, D);
        fleet.onFailed(D, Failure.CONNECT_FAILED);
        assertThat(route(LONG)).isEqualTo(new Unified(P, why("prefix-hash", "no decode worker is up")));
    }

    @Test
    void anExcludedPrefillWorkerLeavesDecodeAlone() {
        up(P, D);
        assertThat(router(RoutingSettings.defaults()).route(LONG, Set.of("p")))
                .isEqualTo(new Unified(D, why("prefix-hash", "no prefill worker is up")));
    }

    @Test
    void withoutHandOverEveryWorkerServesWholeRequestsByThePrefillPolicy() {
        up(P, D, U);
        Router router = router(new RoutingSettings("round-robin", "random", 256, 2048, 1.25), HandoverRule.NEVER);
        List<Worker> workers = new ArrayList<>();
        for (int i = 0; i < 6; i++) {
            if (router.route(LONG, Set.of()) instanceof Unified(Worker worker, Rationale why)) {
                workers.add(worker);
                assertThat(why).isEqualTo(why("round-robin", "nothing is handed over"));
            }
        }
        assertThat(workers).containsExactly(D, P, U, D, P, U);
    }

    @Test
    void anApiWhosePromptsAreNotHandedOverRunsWholeOnDecode() {
        up(P, D);
        Router router =
                router(RoutingSettings.defaults(), terms(EnumSet.of(ApiKind.MESSAGES), EnumSet.allOf(Role.class)));
        assertThat(router.route(LONG, Set.of()))
                .isEqualTo(new Unified(D, why("prefix-hash", "prompts of this API are not handed over")));
    }

    @Test
    void enginesThatServeNothingAloneGetShortPromptsAsPairs() {
        up(P, D);
        Router router = router(
                RoutingSettings.defaults(),
                terms(EnumSet.of(ApiKind.COMPLETIONS, ApiKind.CHAT), EnumSet.noneOf(Role.class)));
        assertThat(router.route(of("m", 3, true), Set.of())).isInstanceOf(Disaggregated.class);
    }

    @Test
    void enginesThatServeNothingAloneLeaveTheRestToUnifiedWorkers() {
        Router router = router(
                RoutingSettings.defaults(),
                terms(EnumSet.of(ApiKind.COMPLETIONS, ApiKind.CHAT), EnumSet.noneOf(Role.class)));
        up(P, D);
        assertThat(router.route(of("m", 1000, false), Set.of()))
                .isInstanceOfSatisfying(
                        Unroutable.class,
                        refusal -> assertThat(refusal.failure()).isEqualTo(Failure.NOT_SPLITTABLE));
        assertThat(router.route(LONG, Set.of("p"))).isInstanceOf(Unroutable.class);

        up(P, D, U);
        assertThat(router.route(of("m", 1000, false), Set.of()))
                .isInstanceOfSatisfying(
                        Unified.class, decision -> assertThat(decision.worker()).isEqualTo(U));
        assertThat(router.route(of("m", 1000, false), Set.of("u")))
                .isInstanceOfSatisfying(
                        Unroutable.class,
                        refusal -> assertThat(refusal.failure()).isEqualTo(Failure.NO_WORKER));
        assertThat(router.route(of("m", 3, true), Set.of()))
                .isInstanceOfSatisfying(
                        Unified.class, decision -> assertThat(decision.worker()).isEqualTo(U));
        assertThat(router.route(LONG, Set.of("p")))
                .isInstanceOfSatisfying(
                        Unified.class, decision -> assertThat(decision.worker()).isEqualTo(U));
    }

    @Test
    void prefillWorkersThatServeNothingAloneAreNobodysLastResort() {
        Router router = router(
                RoutingSettings.defaults(),
                terms(EnumSet.of(ApiKind.COMPLETIONS, ApiKind.CHAT), EnumSet.of(Role.DECODE)));
        up(P, D);
        assertThat(router.route(of("m", 3, true), Set.of()))
                .isInstanceOfSatisfying(
                        Unified.class, decision -> assertThat(decision.worker()).isEqualTo(D));
        assertThat(router.route(LONG, Set.of("d"))).isInstanceOf(Unroutable.class);
    }

    @Test
    void whatEnginesSayDecidesWhetherTheyHandOver() {
        fleet.replace(List.of(P, D));
        Router router = router(
                RoutingSettings.defaults(),
                (prefill, decode) -> prefill.equals(decode) ? EnumSet.allOf(ApiKind.class) : Set.of());
        EngineFacts nixl = new EngineFacts("nixl", 0);
        fleet.onProbe("p", new Probe.Healthy(Set.of("m"), nixl));
        fleet.onProbe("d", new Probe.Healthy(Set.of("m")));
        assertThat(router.route(LONG, Set.of())).isInstanceOf(Unified.class);

        fleet.onProbe("d", new Probe.Healthy(Set.of("m"), nixl));
        assertThat(router.route(LONG, Set.of())).isInstanceOf(Disaggregated.class);
    }

    @Test
    void whoServesNothingAloneGetsNothingWhereNothingIsHandedOver() {
        fleet.replace(List.of(P, D));
        up(P, D);
        Router router = router(RoutingSettings.defaults(), terms(Set.of(), EnumSet.of(Role.PREFILL, Role.UNIFIED)));

        assertThat(router.route(LONG, Set.of()))
                .isInstanceOfSatisfying(
                        Unified.class, decision -> assertThat(decision.worker()).isEqualTo(P));
        assertThat(router.route(LONG, Set.of("p"))).isInstanceOf(Unroutable.class);
    }

    @Test
    void sidesUseTheirOwnPolicies() {
        up(P, D);
        Router router = router(new RoutingSettings("random", "least-outstanding", 256, 2048, 1.25));
        assertThat(router.route(LONG, Set.of()).why().policy()).isEqualTo("least-outstanding");
        fleet.drain("d", true);
        assertThat(router.route(LONG, Set.of()).why().policy()).isEqualTo("random");
    }

    @Test
    void aModelThatNobodyListsDoesNotExist() {
        up(P, D);
        assertThat(route(of("other", 1000, true)))
                .isEqualTo(new Unroutable(Failure.MODEL_NOT_FOUND, why("prefix-hash", "no worker serves this model")));
    }

    @Test
    void beforeTheFirstProbeAModelIsNotDeniedButNobodyServesIt() {
        fleet.replace(List.of(P, D));
        assertThat(route(LONG))
                .isEqualTo(new Unroutable(
                        Failure.NO_WORKER, why("prefix-hash", "none of 2 workers serves the model now")));
    }

    @Test
    void anEmptyFleetSaysSo() {
        assertThat(route(LONG)).isEqualTo(new Unroutable(Failure.NO_WORKER, why("prefix-hash", "there is no worker")));
        assertThat(route(of(null, 1000, true)))
                .isEqualTo(new Unroutable(Failure.NO_WORKER, why("prefix-hash", "there is no worker")));
    }

    @Test
    void aModelListedOnceIsMissingNotUnknown() {
        up(P);
        fleet.onProbe("p", new Probe.Healthy(Set.of("next")));
        assertThat(route(LONG))
                .isEqualTo(new Unroutable(
                        Failure.NO_WORKER, why("prefix-hash", "the only worker does not serve the model now")));
    }

    @Test
    void whoIsMissingIsNamedWhenNobodyIsEligible() {
        Worker other = Workers.worker("d2", Role.DECODE);
        up(P, D, U, other);
        fleet.onFailed(P, Failure.CONNECT_FAILED);
        fleet.onFailed(D, Failure.CONNECT_FAILED);
        fleet.drain("u", true);
        assertThat(router(RoutingSettings.defaults()).route(LONG, Set.of("d2")))
                .isEqualTo(new Unroutable(
                        Failure.NO_WORKER,
                        why(
                                "prefix-hash",
                                "4 workers serve the model, none can take the request: "
                                        + "2 down, 1 draining, 1 failed it already")));
    }

    @Test
    void membershipsArePerModel() {
        fleet.replace(List.of(P, D, U));
        fleet.onProbe("p", new Probe.Healthy(Set.of("a")));
        fleet.onProbe("d", new Probe.Healthy(Set.of("a", "b")));
        fleet.onProbe("u", new Probe.Healthy(Set.of("c")));
        assertThat(route(of("a", 1000, true))).isInstanceOf(Disaggregated.class);
        assertThat(route(of("b", 1000, true)))
                .isInstanceOfSatisfying(
                        Unified.class, u -> assertThat(u.worker()).isEqualTo(D));
        assertThat(route(of("c", 1000, true)))
                .isInstanceOfSatisfying(
                        Unified.class, u -> assertThat(u.worker()).isEqualTo(U));
        assertThat(route(of(null, 1000, true))).isInstanceOf(Disaggregated.class);
    }

    @Test
    void seesWorkersThatComeAndGo() {
        Router router = router(RoutingSettings.defaults());
        assertThat(router.route(LONG, Set.of())).isInstanceOf(Unroutable.class);
        up(D);
        assertThat(router.route(LONG, Set.of())).isInstanceOf(Unified.class);
        fleet.replace(List.of(P, D));
        fleet.onProbe("p", new Probe.Healthy(Set.of("m")));
        assertThat(router.route(LONG, Set.of())).isInstanceOf(Disaggregated.class);
        fleet.replace(List.of());
        assertThat(router.route(LONG, Set.of())).isInstanceOf(Unroutable.class);
    }

    @Test
    void whoIsFullIsPassedOverAndNamedWhenNobodyElseIsThere() {
        up(P, D);
        fleet.onRefused(P, Duration.ofSeconds(5));
        assertThat(route(LONG)).as("decode serves it whole").isInstanceOf(Unified.class);

        fleet.onRefused(D, Duration.ofSeconds(5));
        assertThat(route(LONG)).isInstanceOfSatisfying(Unroutable.class, nobody -> {
            assertThat(nobody.failure()).isEqualTo(Failure.ENGINE_BUSY);
            assertThat(nobody.why().reason()).contains("2 full");
        });
        ticker.advance(Duration.ofSeconds(5));
        assertThat(route(LONG)).isInstanceOf(Disaggregated.class);
    }

    @Test
    void anUnknownPolicyStopsTheStart() {
        assertThatThrownBy(() -> router(new RoutingSettings("prefix-hash", "nope", 256, 2048, 1.25)))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageStartingWith("policy: nope (expected: one of prefix-hash, ");
    }

    @Test
    void settingsAreChecked() {
        assertThatThrownBy(() -> new RoutingSettings("a", "b", -1, 1, 1.25)).hasMessageContaining("minSplit");
        assertThatThrownBy(() -> new RoutingSettings("a", "b", 0, 0, 1.25)).hasMessageContaining("batchTokens");
        assertThatThrownBy(() -> new RoutingSettings("a", "b", 0, 1, 1)).hasMessageContaining("loadBound");
    }

    /** Joins, leaves, drains, failures and leases by chance: a decision never names somebody who may not get it. */
    @Test
    void aLongLifeNeverRoutesToAnIneligibleWorker() {
        long seed = 7;
        SplittableRandom random = new SplittableRandom(seed);
        List<Worker> all = new ArrayList<>(List.of(P, D, U));
        all.addAll(Workers.workers(5, Role.PREFILL));
        Router router = router(RoutingSettings.defaults());
        List<Lease> open = new ArrayList<>();
        up(P, D, U);
        for (int step = 0; step < 30_000; step++) {
            disturb(random, all, open);
            RoutingRequest request = Requests.chat(Requests.text("prompt " + random.nextInt(40)), random.nextInt(600));
            String excluded = all.get(random.nextInt(all.size())).id();
            RoutingDecision decision = router.route(request, Set.of(excluded));
            for (Worker worker : workers(decision)) {
                assertThat(fleet.statuses().stream()
                                .filter(status -> status.worker().equals(worker))
                                .map(WorkerStatus::state))
                        .as("seed %d, step %d: %s", seed, step, decision)
                        .singleElement()
                        // Who has come back and fails its probes is better than nobody, where all are like that.
                        .isIn(State.UP, State.PROBATION, State.EJECTED);
                assertThat(worker.id()).isNotEqualTo(excluded);
                open.add(fleet.lease(worker, request.promptTokens()));
            }
        }
        open.forEach(Lease::close);
        assertThat(fleet.leases()).isZero();
    }

    private void disturb(SplittableRandom random, List<Worker> all, List<Lease> open) {
        Worker worker = all.get(random.nextInt(all.size()));
        switch (random.nextInt(12)) {
            case 0 ->
                fleet.replace(all.stream().filter(w -> random.nextInt(4) > 0).toList());
            case 1 -> fleet.drain(worker.id(), random.nextBoolean());
            case 2 -> fleet.onFailed(worker, Failure.CONNECT_FAILED);
            case 3 -> fleet.onProbe(worker.id(), new Probe.Unhealthy("ill"));
            case 4 ->
                open.removeIf(lease -> {
                    lease.close();
                    return true;
                });
            default -> fleet.onProbe(worker.id(), new Probe.Healthy(Set.of("m")));
        }
    }

    private static List<Worker> workers(RoutingDecision decision) {
        return switch (decision) {
            case Unified(Worker worker, var why) -> List.of(worker);
            case Disaggregated(Worker prefill, Worker decode, var why) -> List.of(prefill, decode);
            case Unroutable(var failure, var why) -> List.of();
        };
    }

    private RoutingDecision route(RoutingRequest request) {
        return router(RoutingSettings.defaults()).route(request, Set.of());
    }

    @Test
    void servesAsLongAsARequestForSomeModelHasAWay() {
        Router whole = router(RoutingSettings.defaults());
        assertThat(whole.serves()).isFalse();
        up(P);
        assertThat(whole.serves()).isTrue();
        fleet.drain("p", true);
        assertThat(whole.serves()).isFalse();
    }

    @Test
    void halfAPairThatServesNothingAloneServesNothing() {
        Router pairs = router(RoutingSettings.defaults(), terms(EnumSet.of(ApiKind.COMPLETIONS), Set.of()));
        up(P);
        assertThat(pairs.serves()).isFalse();
        up(D);
        assertThat(pairs.serves()).isFalse();
        up(P, D);
        assertThat(pairs.serves()).isTrue();
    }

    @Test
    void fullWorkersServe() {
        up(U);
        try (Lease lease = fleet.lease(U, 0)) {
            fleet.onRefused(U, Duration.ofSeconds(1));
            assertThat(router(RoutingSettings.defaults()).serves()).isTrue();
            assertThat(lease).isNotNull();
        }
    }

    private Router router(RoutingSettings settings) {
        return router(settings, terms(EnumSet.of(ApiKind.COMPLETIONS, ApiKind.CHAT), EnumSet.allOf(Role.class)));
    }

    private static HandoverRule terms(Set<ApiKind> apis, Set<Role> whole) {
        return new HandoverRule() {
            @Override
            public Set<ApiKind> between(List<EngineFacts> prefill, List<EngineFacts> decode) {
                return apis;
            }

            @Override
            public boolean servesWhole(Role role, EngineFacts engine) {
                return role == Role.UNIFIED || whole.contains(role);
            }
        };
    }

    private Router router(RoutingSettings settings, HandoverRule handover) {
        SplittableRandom random = new SplittableRandom(1);
        return new Router(fleet, settings, handover, () -> random, ticker);
    }

    private void up(Worker... workers) {
        fleet.replace(List.of(workers));
        for (Worker worker : workers) {
            fleet.onProbe(worker.id(), new Probe.Healthy(Set.of("m")));
        }
    }

    private static RoutingRequest of(@Nullable String model, int promptTokens, boolean splittable) {
        return Requests.request(model, Requests.text("hello"), promptTokens, null, splittable);
    }

    private static Rationale why(String policy, String reason) {
        return new Rationale(policy, reason);
    }
}
