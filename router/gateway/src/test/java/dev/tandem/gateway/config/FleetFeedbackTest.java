// SPDX-License-Identifier: Apache-2.0
package dev.tandem.gateway.config;

import static org.assertj.core.api.Assertions.assertThat;

import dev.tandem.core.disagg.BodyEdits;
import dev.tandem.core.disagg.Exchange;
import dev.tandem.core.disagg.Leg;
import dev.tandem.core.failure.Failure;
import dev.tandem.core.fleet.Fleet;
import dev.tandem.core.fleet.FleetSettings;
import dev.tandem.core.fleet.Probe;
import dev.tandem.core.fleet.Role;
import dev.tandem.core.fleet.Worker;
import dev.tandem.core.fleet.WorkerStatus;
import dev.tandem.core.lifecycle.RequestListener.HandoverResult;
import dev.tandem.core.lifecycle.RequestListener.LegKind;
import dev.tandem.core.request.ApiKind;
import java.net.URI;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import org.junit.jupiter.api.Test;

class FleetFeedbackTest {
    private static final Worker ENDPOINT = new Worker("d", URI.create("http://10.0.0.1:8000"), Role.DECODE);
    private static final Worker OTHER = new Worker("e", URI.create("http://10.0.0.2:8000"), Role.DECODE);

    private final Fleet fleet = new Fleet(FleetSettings.defaults(), () -> 0);

    private List<String> upAfter(Failure failure) {
        fleet.replace(List.of(ENDPOINT.rank(0), ENDPOINT.rank(1), OTHER));
        fleet.workers().forEach(worker -> fleet.onProbe(worker.id(), new Probe.Healthy(Set.of("m"))));
        Leg leg = new Leg(ENDPOINT.rank(1), ApiKind.CHAT, BodyEdits.NONE);
        new FleetFeedback(fleet, id -> {}).onLegFailed(LegKind.DECODE, leg, failure);
        return fleet.statuses().stream()
                .filter(status -> status.state() == WorkerStatus.State.UP)
                .map(status -> status.worker().id())
                .toList();
    }

    @Test
    void whereNobodyListensNoRankDoes() {
        assertThat(upAfter(Failure.CONNECT_FAILED)).containsExactly("e");
    }

    @Test
    void aFailedHandOverCastsDoubtOnWhoHandedOver() {
        List<String> doubted = new ArrayList<>();
        FleetFeedback feedback = new FleetFeedback(fleet, doubted::add);
        Worker prefill = new Worker("p", URI.create("http://10.0.0.3:8000"), Role.PREFILL);
        Exchange exchange = new Exchange.Parallel(
                new Leg(prefill, ApiKind.CHAT, BodyEdits.NONE), new Leg(OTHER, ApiKind.CHAT, BodyEdits.NONE));

        feedback.onHandover("nixl-push", exchange, HandoverResult.TAKEN);
        assertThat(doubted).isEmpty();
        feedback.onHandover("nixl-push", exchange, HandoverResult.FAILED);
        assertThat(doubted).containsExactly("p");
    }

    @Test
    void anyOtherFailureIsThatOfTheRank() {
        assertThat(upAfter(Failure.ENGINE_ERROR)).containsExactly("d@0", "d@1", "e");
    }
}
