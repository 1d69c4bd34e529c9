// SPDX-License-Identifier: Apache-2.0
package dev.tandem.gateway.ops;

import static org.assertj.core.api.Assertions.assertThat;

import dev.tandem.core.fleet.EngineFacts;
import dev.tandem.core.fleet.Fleet;
import dev.tandem.core.fleet.FleetSettings;
import dev.tandem.core.fleet.Probe;
import dev.tandem.core.fleet.Role;
import dev.tandem.core.fleet.Worker;
import dev.tandem.core.fleet.WorkerPair;
import dev.tandem.core.fleet.WorkerStatus;
import dev.tandem.core.fleet.WorkerStatus.State;
import dev.tandem.core.health.ConcurrencyLimit;
import java.net.URI;
import java.util.List;
import java.util.Set;
import org.junit.jupiter.api.Test;

class HealthPagesTest {
    private List<WorkerStatus> fleet = List.of();
    private final Fleet pairs = new Fleet(FleetSettings.defaults(), () -> 0);
    private boolean served;
    private boolean draining;
    private final HealthPages pages =
            new HealthPages("1.2.3", false, () -> fleet, pairs::snapshot, () -> served, () -> draining);

    @Test
    void isOkWhenAllWorkersServe() {
        fleet = List.of(status("prefill-0", Role.PREFILL, State.UP, "ok"));

        assertThat(pages.healthz()).isEqualTo(Page.json(200, """
                {"status":"ok","version":"1.2.3","simulated":false,"workers":[\
                {"id":"prefill-0","role":"prefill","state":"up","reason":"ok","models":["a","b"],\
                "in_flight":2,"pending_tokens":300}]}"""));
    }

    @Test
    void isDegradedWhileOneStillServes() {
        fleet = List.of(
                status("p", Role.PREFILL, State.UP, "ok"), status("d", Role.DECODE, State.DOWN, "connect refused"));

        assertThat(pages.healthz().status()).isEqualTo(200);
        assertThat(pages.healthz().body())
                .contains("\"status\":\"degraded\"")
                .contains("\"state\":\"down\",\"reason\":\"connect refused\"");
    }

    @Test
    void aDrainingWorkerDegrades() {
        fleet = List.of(
                status("a", Role.UNIFIED, State.UP, "ok"), status("b", Role.UNIFIED, State.DRAINING, "draining"));

        assertThat(pages.healthz().body()).contains("\"status\":\"degraded\"");
    }

    @Test
    void pairsInQuarantineDegrade() {
        fleet = List.of(status("p", Role.PREFILL, State.UP, "ok"), status("d", Role.DECODE, State.UP, "ok"));
        pairs.replace(fleet.stream().map(WorkerStatus::worker).toList());
        pairs.quarantine(new WorkerPair("p", "d"), true);

        assertThat(pages.healthz().status()).isEqualTo(200);
        assertThat(pages.healthz().body())
                .contains("\"status\":\"degraded\"")
                .contains("\"quarantined_pairs\":[\"p>d\"]");
    }

    @Test
    void pairsWhoseHandOversFailDegrade() {
        fleet = List.of(status("p", Role.PREFILL, State.UP, "ok"), status("d", Role.DECODE, State.UP, "ok"));
        pairs.replace(fleet.stream().map(WorkerStatus::worker).toList());
        pairs.workers().forEach(worker -> pairs.onProbe(worker.id(), new Probe.Healthy(Set.of("a"))));
        for (int i = 0; i < 5; i++) {
            pairs.onHandover(new WorkerPair("p", "d"), false);
        }

        assertThat(pages.healthz().body()).contains("\"status\":\"degraded\"").contains("\"ejected_pairs\":[\"p>d\"]");
    }

    @Test
    void aWorkerOnProbationServes() {
        fleet = List.of(status("a", Role.UNIFIED, State.PROBATION, "on probation since it came back"));

        assertThat(pages.healthz().body()).contains("\"status\":\"ok\"").contains("\"state\":\"probation\"");
        fleet = List.of(status("a", Role.UNIFIED, State.EJECTED, "5 requests failed in a row"));
        assertThat(pages.healthz().status()).isEqualTo(503);
    }

    @Test
    void isDownWhenNoneServes() {
        fleet = List.of(status("a", Role.UNIFIED, State.UNKNOWN, "not probed yet"));

        assertThat(pages.healthz().status()).isEqualTo(503);
        assertThat(pages.healthz().body()).contains("\"status\":\"down\"").contains("\"state\":\"unknown\"");
    }

    @Test
    void saysThatItIsSimulated() {
        HealthPages simulated =
                new HealthPages("1.2.3", true, () -> fleet, pairs::snapshot, () -> served, () -> draining);

        assertThat(simulated.healthz().body()).contains("\"simulated\":true");
    }

    @Test
    void neverShowsAnAddress() {
        fleet = List.of(status("p", Role.PREFILL, State.DOWN, "health: 503"));

        assertThat(pages.healthz().body()).doesNotContain("10.1.2.3").doesNotContain("8010");
    }

    @Test
    void livesWithoutWorkers() {
        draining = true;

        assertThat(pages.livez()).isEqualTo(Page.json(200, "{\"status\":\"ok\"}"));
    }

    @Test
    void isReadyWhileARequestCanBeServed() {
        assertThat(pages.readyz().body()).contains("no worker serves");
        fleet = List.of(status("p", Role.PREFILL, State.UP, "ok"));
        assertThat(pages.readyz().status()).isEqualTo(503);
        assertThat(pages.readyz().body()).contains("serve no request alone");
        served = true;
        assertThat(pages.readyz().status()).isEqualTo(200);
    }

    @Test
    void isNotReadyWhileDraining() {
        served = true;
        draining = true;

        assertThat(pages.readyz()).isEqualTo(Page.json(503, "{\"status\":\"not ready\",\"reason\":\"draining\"}"));
    }

    private static WorkerStatus status(String id, Role role, State state, String reason) {
        Worker worker = new Worker(id, URI.create("http://10.1.2.3:8010"), role);
        return new WorkerStatus(
                worker, state, reason, Set.of("b", "a"), EngineFacts.UNKNOWN, 2, ConcurrencyLimit.NONE, 300, 1);
    }
}
