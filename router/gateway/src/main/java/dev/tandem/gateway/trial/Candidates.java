// SPDX-License-Identifier: Apache-2.0
package dev.tandem.gateway.trial;

import dev.tandem.core.disagg.ConnectorChoice;
import dev.tandem.core.disagg.KvConnector;
import dev.tandem.core.fleet.Fleet;
import dev.tandem.core.fleet.Role;
import dev.tandem.core.fleet.Worker;
import dev.tandem.core.fleet.WorkerPair;
import dev.tandem.core.fleet.WorkerStatus;
import dev.tandem.core.request.ApiKind;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import org.jspecify.annotations.Nullable;

/** Which pairs can be tried, and against whom. Thread-safe. */
final class Candidates {
    /** Pairs that are tried; a fleet that has more is tried in part. */
    static final int MOST = 4_096;

    /** Pairs that are asked beside the one that is tried: with three voices there is a majority. */
    private static final int OTHERS = 2;

    private final Fleet fleet;
    private final ConnectorChoice connectors;

    Candidates(Fleet fleet, ConnectorChoice connectors) {
        this.fleet = fleet;
        this.connectors = connectors;
    }

    /** Returns the pairs of workers that are up, so ordered that neighbours share no worker if possible. */
    List<TrialPair> pairs() {
        List<WorkerStatus> prefills = up(Role.PREFILL);
        List<WorkerStatus> decodes = up(Role.DECODE);
        List<TrialPair> pairs = new ArrayList<>();
        for (int shift = 0; shift < decodes.size(); shift++) {
            for (int i = 0; i < prefills.size() && pairs.size() < MOST; i++) {
                TrialPair pair = pair(prefills.get(i), decodes.get((i + shift) % decodes.size()));
                if (pair != null) {
                    pairs.add(pair);
                }
            }
        }
        return pairs;
    }

    /**
     * Returns who answers the prompt of a trial without a hand-over, or null. What the prefill worker has cached it has
     * computed itself; never the decode worker, which would answer out of what was handed over to it.
     */
    @Nullable
    Worker alone(TrialPair pair) {
        if (pair.connector().servesWhole(Role.PREFILL)) {
            return pair.prefill();
        }
        return up(Role.UNIFIED).stream()
                .filter(status -> status.models().contains(pair.model()))
                .map(WorkerStatus::worker)
                .findFirst()
                .orElse(null);
    }

    /**
     * Returns who else can be asked when nobody answers alone: at most two other pairs of the model, none of them in
     * quarantine. Each has a decode worker of its own, since one that has been handed the prompt before may answer out
     * of its cache, and a prefill worker of its own if there are enough.
     */
    List<TrialPair> others(TrialPair pair) {
        Set<WorkerPair> doubted = fleet.snapshot().quarantined();
        List<TrialPair> all = pairs().stream()
                .filter(other -> other.model().equals(pair.model()) && !doubted.contains(other.key()))
                .toList();
        List<TrialPair> chosen = new ArrayList<>(List.of(pair));
        for (int voice = 0; voice < OTHERS; voice++) {
            all.stream()
                    .filter(other ->
                            chosen.stream().noneMatch(asked -> asked.decode().equals(other.decode())))
                    .min(Comparator.comparingLong(other -> chosen.stream()
                            .filter(asked -> asked.prefill().equals(other.prefill()))
                            .count()))
                    .ifPresent(chosen::add);
        }
        return List.copyOf(chosen.subList(1, chosen.size()));
    }

    private List<WorkerStatus> up(Role role) {
        return fleet.statuses().stream()
                .filter(status ->
                        status.worker().role() == role && status.state().serving())
                .toList();
    }

    private @Nullable TrialPair pair(WorkerStatus prefill, WorkerStatus decode) {
        KvConnector connector = connectors.between(prefill.facts(), decode.facts());
        TreeSet<String> models = new TreeSet<>(prefill.models());
        models.retainAll(decode.models());
        boolean apt = connector.handsOver(ApiKind.COMPLETIONS)
                && connectors.pairs(prefill.facts(), decode.facts())
                && !models.isEmpty();
        return apt
                ? new TrialPair(
                        prefill.worker(),
                        decode.worker(),
                        connector,
                        models.getFirst(),
                        new TrialPair.Engines(TrialPair.Engine.of(prefill), TrialPair.Engine.of(decode)))
                : null;
    }
}
