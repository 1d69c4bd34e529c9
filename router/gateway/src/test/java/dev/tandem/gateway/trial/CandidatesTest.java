// SPDX-License-Identifier: Apache-2.0
package dev.tandem.gateway.trial;

import static org.assertj.core.api.Assertions.assertThat;

import dev.tandem.core.disagg.ConnectorChoice;
import dev.tandem.core.fleet.EngineFacts;
import dev.tandem.core.fleet.Fleet;
import dev.tandem.core.fleet.FleetSettings;
import dev.tandem.core.fleet.Probe;
import dev.tandem.core.fleet.Role;
import dev.tandem.core.fleet.Worker;
import dev.tandem.core.fleet.WorkerPair;
import dev.tandem.core.time.Ticker;
import java.net.URI;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import org.junit.jupiter.api.Test;

class CandidatesTest {
    private final Fleet fleet = new Fleet(FleetSettings.defaults(), Ticker.SYSTEM);
    private final Candidates candidates =
            new Candidates(fleet, ConnectorChoice.named("auto").orElseThrow());

    @Test
    void otherPairsShareNoWorkerIfThereAreEnough() {
        up(3, 3);

        assertThat(others("p1", "d1")).extracting(WorkerPair::prefill).containsExactlyInAnyOrder("p2", "p3");
        assertThat(others("p1", "d1")).extracting(WorkerPair::decode).containsExactlyInAnyOrder("d2", "d3");
    }

    @Test
    void aDecodeWorkerHasOneVoice() {
        up(3, 1);
        assertThat(others("p1", "d1")).isEmpty();

        up(1, 4);
        assertThat(others("p1", "d2")).hasSize(2).extracting(WorkerPair::decode).doesNotHaveDuplicates();
        assertThat(others("p1", "d2")).extracting(WorkerPair::decode).doesNotContain("d2");
    }

    @Test
    void whoIsInQuarantineHasNone() {
        up(1, 3);
        fleet.quarantine(new WorkerPair("p1", "d2"), true);

        assertThat(others("p1", "d1")).containsExactly(new WorkerPair("p1", "d3"));
        assertThat(others("p1", "d2"))
                .containsExactlyInAnyOrder(new WorkerPair("p1", "d1"), new WorkerPair("p1", "d3"));
    }

    private List<WorkerPair> others(String prefill, String decode) {
        TrialPair tried = candidates.pairs().stream()
                .filter(pair -> pair.key().equals(new WorkerPair(prefill, decode)))
                .findFirst()
                .orElseThrow();
        return candidates.others(tried).stream().map(TrialPair::key).toList();
    }

    private void up(int prefills, int decodes) {
        List<Worker> workers = new ArrayList<>();
        for (int i = 1; i <= prefills; i++) {
            workers.add(new Worker("p" + i, URI.create("http://p" + i + ":1"), Role.PREFILL));
        }
        for (int i = 1; i <= decodes; i++) {
            workers.add(new Worker("d" + i, URI.create("http://d" + i + ":1"), Role.DECODE));
        }
        fleet.replace(workers);
        EngineFacts facts = EngineFacts.UNKNOWN.speaking("lmcache-pd");
        workers.forEach(worker -> {
            for (int probe = 0; probe < FleetSettings.defaults().probesUp(); probe++) {
                fleet.onProbe(worker.id(), new Probe.Healthy(Set.of("m"), facts));
            }
        });
    }
}
