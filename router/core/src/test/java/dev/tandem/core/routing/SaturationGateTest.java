// SPDX-License-Identifier: Apache-2.0
package dev.tandem.core.routing;

import static org.assertj.core.api.Assertions.assertThat;

import dev.tandem.core.failure.Failure;
import dev.tandem.core.fleet.EngineFacts;
import dev.tandem.core.fleet.EngineLoads;
import dev.tandem.core.fleet.Fleet;
import dev.tandem.core.fleet.FleetSettings;
import dev.tandem.core.fleet.Lease;
import dev.tandem.core.fleet.Probe;
import dev.tandem.core.fleet.Role;
import dev.tandem.core.fleet.Worker;
import dev.tandem.core.fleet.Workers;
import dev.tandem.core.health.EngineLoad;
import dev.tandem.core.health.SaturationSettings;
import dev.tandem.core.request.ApiKind;
import dev.tandem.core.time.FakeTicker;
import java.time.Duration;
import java.util.List;
import java.util.Set;
import java.util.SplittableRandom;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;

/** Which requests wait when which workers are saturated. */
class SaturationGateTest {
    private static final Worker P = Workers.worker("p", Role.PREFILL);
    private static final Worker P2 = Workers.worker("p2", Role.PREFILL);
    private static final Worker D = Workers.worker("d", Role.DECODE);
    private static final Worker D2 = Workers.worker("d2", Role.DECODE);
    private static final Worker U = Workers.worker("u", Role.UNIFIED);
    private static final Worker U2 = Workers.worker("u2", Role.UNIFIED);
    private static final RoutingRequest LONG = of("m", 1000, true);
    private static final RoutingRequest SHORT = of("m", 120, true);
    private static final RoutingRequest WHOLE = of("m", 1000, false);

    private final FakeTicker ticker = new FakeTicker();
    private final Fleet fleet = new Fleet(FleetSettings.defaults(), ticker);
    private final EngineLoads loads = new EngineLoads(fleet, SaturationSettings.defaults());
    private final Router router = new Router(
            fleet,
            RoutingSettings.defaults(),
            new HandoverRule() {
                @Override
                public Set<ApiKind> between(List<EngineFacts> prefill, List<EngineFacts> decode) {
                    return prefill.isEmpty() || decode.isEmpty() ? Set.of() : Set.of(ApiKind.CHAT);
                }

                @Override
                public boolean servesWhole(Role role, EngineFacts engine) {
                    return true;
                }
            },
            () -> new SplittableRandom(1),
            ticker);
    private final SaturationGate gate = new SaturationGate(router, loads);

    @Test
    void onlyWhenNobodyIsLeftRequestsWait() {
        up("m", U, U2);
        assertThat(open(WHOLE)).isTrue();
        saturate(U);
        assertThat(loads.saturated()).containsExactly("u");
        assertThat(open(WHOLE)).isTrue();
        saturate(U2);
        assertThat(open(WHOLE)).isFalse();
        saysItIsIdle(U);
        assertThat(open(WHOLE)).isTrue();
    }

    @Test
    void whoIsDownIsNobodyToHopeFor() {
        up("m", U, U2);
        saturate(U);
        fleet.onFailed(U2, Failure.CONNECT_FAILED);
        assertThat(open(WHOLE)).isFalse();
        fleet.onFailed(U, Failure.CONNECT_FAILED);
        assertThat(open(WHOLE)).as("it learns at once that nobody is there").isTrue();
    }

    @Test
    void requestsOfOtherModelsDoNotWait() {
        fleet.replace(List.of(U, U2));
        fleet.onProbe("u", new Probe.Healthy(Set.of("m")));
        fleet.onProbe("u2", new Probe.Healthy(Set.of("n")));
        saturate(U);
        assertThat(open(WHOLE)).isFalse();
        assertThat(open(of("n", 1000, false))).isTrue();
        assertThat(open(of("unknown", 1000, false))).as("it is refused at once").isTrue();
    }

    @Test
    void bothSidesOfAPairCount() {
        up("m", P, P2, D, D2);
        saturate(P);
        saturate(D);
        assertThat(open(LONG)).isTrue();
        saturate(P2);
        assertThat(open(LONG)).isFalse();
        assertThat(open(SHORT)).as("it needs no prefill worker").isTrue();
        saysItIsIdle(P2);
        saturate(D2);
        assertThat(open(LONG)).isFalse();
    }

    @Test
    void prefillWorkersAreNoRelief() {
        up("m", P, D, U);
        saturate(D);
        assertThat(open(SHORT)).isTrue();
        saturate(U);
        assertThat(open(SHORT)).isFalse();
        assertThat(open(WHOLE)).isFalse();
        fleet.onFailed(D, Failure.CONNECT_FAILED);
        fleet.onFailed(U, Failure.CONNECT_FAILED);
        assertThat(open(WHOLE)).as("as there is nobody else").isTrue();
        saturate(P);
        assertThat(open(WHOLE)).isFalse();
    }

    @Test
    void whoHoldsACacheForAnotherIsDoneWithThePrompt() {
        up("m", P, D);
        says(P, 3, 1);
        Lease lease = fleet.lease(P, 1000);
        for (int i = 0; i < 3; i++) {
            fleet.lease(P, 1000);
        }
        assertThat(loads.saturated()).containsExactly("p");
        lease.onFirstToken();
        assertThat(loads.saturated()).isEmpty();
    }

    @Test
    void tellsWhenARequestHasLeftAnEngineThatSaysItsLoad() {
        up("m", P, U);
        AtomicInteger told = new AtomicInteger();
        loads.whenRelieved(told::incrementAndGet);
        fleet.lease(U, 0).close();
        assertThat(told).hasValue(0);
        saturate(U);
        fleet.lease(U, 0).close();
        assertThat(told).hasValue(1);
        saturate(P);
        Lease prefill = fleet.lease(P, 10);
        prefill.onFirstToken();
        assertThat(told).hasValue(2);
    }

    @Test
    void whoHasRefusedRequestsGetsTheNextWhenOneHasLeft() {
        up("m", U, U2);
        Lease first = fill(U);
        assertThat(open(WHOLE)).as("the other one takes it").isTrue();
        Lease second = fill(U2);
        assertThat(open(WHOLE)).isFalse();
        assertThat(open(of("unknown", 1000, false))).isTrue();
        AtomicInteger told = new AtomicInteger();
        loads.whenRelieved(told::incrementAndGet);
        first.close();
        assertThat(told).hasValue(1);
        assertThat(open(WHOLE)).isTrue();
        first = fleet.lease(U, 0);
        assertThat(open(WHOLE)).isFalse();
        second.close();
        assertThat(open(WHOLE)).isTrue();
        first.close();
    }

    @Test
    void whoSaysWhenToAskAgainIsNotWaitedFor() {
        up("m", U);
        Lease held = fill(U);
        fleet.onRefused(U, Duration.ofSeconds(7));
        assertThat(open(WHOLE)).isTrue();
        ticker.advance(Duration.ofSeconds(7));
        assertThat(open(WHOLE)).isFalse();
        fleet.onFailed(U, Failure.CONNECT_FAILED);
        assertThat(open(WHOLE)).as("it is down").isTrue();
        held.close();
    }

    @Test
    void aFullSideOfAPairIsWaitedForUnlessSomebodyServesAlone() {
        up("m", P, D);
        Lease decode = fill(D);
        assertThat(open(LONG)).as("on the prefill worker").isTrue();
        Lease prefill = fill(P);
        assertThat(open(LONG)).isFalse();
        decode.close();
        assertThat(open(LONG)).as("on the decode worker").isTrue();
        prefill.close();
    }

    /** Lets a worker refuse the second of two requests. */
    private Lease fill(Worker worker) {
        Lease one = fleet.lease(worker, 0);
        Lease other = fleet.lease(worker, 0);
        fleet.onRefused(worker, Duration.ZERO);
        other.close();
        return one;
    }

    @Test
    void anEngineThatWasDownIsAnotherOne() {
        up("m", U);
        saturate(U);
        fleet.onFailed(U, Failure.CONNECT_FAILED);
        assertThat(loads.saturated()).isEmpty();
    }

    @Test
    void aWorkerThatHasLeftIsNobody() {
        up("m", U);
        fleet.replace(List.of());
        saturate(U);
        assertThat(loads.saturated()).isEmpty();
    }

    private boolean open(RoutingRequest request) {
        return gate.now().test(request);
    }

    private void saturate(Worker worker) {
        says(worker, 4, 5);
    }

    private void saysItIsIdle(Worker worker) {
        says(worker, 4, 0);
    }

    private void says(Worker worker, int running, int waiting) {
        loads.ask(worker).answered(new EngineLoad(running, waiting, 0));
    }

    private void up(String model, Worker... workers) {
        fleet.replace(List.of(workers));
        for (Worker worker : workers) {
            fleet.onProbe(worker.id(), new Probe.Healthy(Set.of(model)));
        }
        ticker.advance(Duration.ofSeconds(1));
    }

    private static RoutingRequest of(String model, int promptTokens, boolean splittable) {
        return Requests.request(model, Requests.text("hello"), promptTokens, null, splittable);
    }
}
