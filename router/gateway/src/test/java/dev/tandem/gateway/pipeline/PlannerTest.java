// SPDX-License-Identifier: Apache-2.0
package dev.tandem.gateway.pipeline;

import static org.assertj.core.api.Assertions.assertThat;

import dev.tandem.core.disagg.ConnectorChoice;
import dev.tandem.core.failure.Failure;
import dev.tandem.core.fleet.EngineLoads;
import dev.tandem.core.fleet.Fleet;
import dev.tandem.core.fleet.FleetSettings;
import dev.tandem.core.fleet.Lease;
import dev.tandem.core.fleet.Probe;
import dev.tandem.core.fleet.Role;
import dev.tandem.core.fleet.Worker;
import dev.tandem.core.fleet.WorkerStatus.State;
import dev.tandem.core.fleet.Workers;
import dev.tandem.core.health.SaturationSettings;
import dev.tandem.core.lifecycle.RequestListener;
import dev.tandem.core.prefix.Fingerprint;
import dev.tandem.core.request.ApiKind;
import dev.tandem.core.request.Caller;
import dev.tandem.core.routing.HandoverRule;
import dev.tandem.core.routing.Router;
import dev.tandem.core.routing.RoutingRequest;
import dev.tandem.core.routing.RoutingSettings;
import dev.tandem.core.time.FakeTicker;
import dev.tandem.core.time.Ticker;
import dev.tandem.gateway.body.Bodies;
import dev.tandem.gateway.pipeline.Planner.Plan;
import io.netty.handler.codec.http.EmptyHttpHeaders;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;

/** What becomes of a decision that another request overtakes. */
class PlannerTest {
    private static final Worker A = Workers.worker("a", Role.UNIFIED);
    private static final Worker B = Workers.worker("b", Role.UNIFIED);

    private final FakeTicker time = new FakeTicker();
    private final Fleet fleet = new Fleet(FleetSettings.defaults(), time);
    private final EngineLoads loads = new EngineLoads(fleet, SaturationSettings.defaults());
    private final List<Lease> overtaking = new ArrayList<>();
    private int looks;

    @Test
    void whoeverIsOvertakenOnProbationGoesElsewhere() {
        putOnProbation();
        Planner planner = planner(this::overtake);
        for (int i = 0; i < 8; i++) {
            Plan plan = planner.plan(scope(time));

            assertThat(plan.attempt().surplus()).isFalse();
            assertThat(plan.routedTo().decode()).isEqualTo(B.id());
            plan.attempt().close();
            overtaking.removeFirst().close();
        }
        assertThat(looks).as("some were drawn again").isGreaterThan(2 * 8);
        assertThat(fleet.leases()).isZero();
    }

    @Test
    void whoeverIsNotOvertakenEndsTheProbation() {
        putOnProbation();
        Plan plan = planner(time).plan(scope(time));

        assertThat(plan.routedTo().decode()).isEqualTo(A.id());
        plan.attempt().close();
    }

    private void putOnProbation() {
        fleet.replace(List.of(A, B));
        fleet.onProbe(A.id(), new Probe.Healthy(Set.of("m")));
        fleet.onProbe(B.id(), new Probe.Healthy(Set.of("m")));
        for (int i = 0; i < 5; i++) {
            fleet.onFailed(A, Failure.ENGINE_ERROR);
        }
        time.advance(Duration.ofSeconds(5));
        assertThat(fleet.status(A).orElseThrow().state()).isEqualTo(State.PROBATION);
    }

    /** A planner looks at the time before a decision and behind it; behind the first, another request is quicker. */
    private long overtake() {
        looks++;
        if (looks % 2 == 0 && overtaking.isEmpty()) {
            overtaking.add(fleet.lease(A, 0));
        }
        return time.nanoTime();
    }

    private Planner planner(Ticker ticker) {
        Router router = new Router(
                fleet,
                new RoutingSettings("round-robin", "round-robin", 256, 2_048, 1.25),
                HandoverRule.NEVER,
                () -> new SplittableRandom(1),
                time);
        return new Planner(
                router,
                loads,
                ConnectorChoice.named("plain").orElseThrow(),
                new Pairings("", false),
                new RequestListener() {},
                ticker);
    }

    /** Returns a completion that nobody has planned yet. */
    static RequestScope scope(Ticker time) {
        ClientRequest request = new ClientRequest(
                "r",
                ApiKind.COMPLETIONS,
                false,
                Bodies.json("{\"model\":\"m\",\"prompt\":\"a\"}"),
                1,
                EmptyHttpHeaders.INSTANCE,
                Caller.ANYBODY,
                new RoutingRequest(ApiKind.COMPLETIONS, "m", Fingerprint.NONE, 1, null, false),
                null,
                0);
        return new RequestScope(request, null, new RequestListener() {}, time);
    }
}
