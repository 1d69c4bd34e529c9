// SPDX-License-Identifier: Apache-2.0
package dev.tandem.gateway.telemetry;

import dev.tandem.core.fleet.WorkerPair;
import dev.tandem.core.lifecycle.TrialListener;
import io.micrometer.core.instrument.Counter;
import io.micrometer.core.instrument.MeterRegistry;
import java.util.function.Supplier;

/** Counts the trials of pairs. Thread-safe. */
public final class TrialMeters implements TrialListener {
    private final CappedNames<ByConstant<Finding, Counter>> trials;

    /**
     * Registers the meters.
     *
     * @param registry where
     * @param quarantined how many pairs are in quarantine now
     */
    public TrialMeters(MeterRegistry registry, Supplier<Number> quarantined) {
        Meters.CANARY_QUARANTINED.gauge(registry, quarantined);
        trials = new CappedNames<>(
                MeterListener.MAX_NAMES,
                connector -> new ByConstant<>(
                        Finding.values(),
                        finding -> Meters.CANARY_TRIALS.counter(registry, connector, MeterTag.value(finding))));
    }

    @Override
    public void onTrial(String connector, WorkerPair pair, Finding finding) {
        trials.get(connector).get(finding).increment();
    }
}
