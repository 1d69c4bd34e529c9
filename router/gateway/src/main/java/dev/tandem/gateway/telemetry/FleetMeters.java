// SPDX-License-Identifier: Apache-2.0
package dev.tandem.gateway.telemetry;

import dev.tandem.core.fleet.Fleet;
import dev.tandem.core.fleet.Role;
import dev.tandem.core.fleet.WorkerPair;
import dev.tandem.core.fleet.WorkerStatus;
import io.micrometer.core.instrument.Counter;
import io.micrometer.core.instrument.MeterRegistry;
import java.util.Set;

/** Counts what is taken out of the fleet because it fails requests. Thread-safe. */
public final class FleetMeters implements Fleet.Listener {
    private final ByConstant<Role, Counter> ejections;
    private final ByConstant<Role, Counter> panics;
    private volatile int ejectedPairs;

    /** Registers the meters. */
    public FleetMeters(MeterRegistry registry) {
        ejections = new ByConstant<>(Role.values(), role -> Meters.EJECTIONS.counter(registry, role.tag()));
        panics = new ByConstant<>(Role.values(), role -> Meters.PANICS.counter(registry, role.tag()));
        Meters.EJECTED_PAIRS.gauge(registry, () -> ejectedPairs);
    }

    @Override
    public void onChange(WorkerStatus status) {
        if (status.state() == WorkerStatus.State.EJECTED) {
            ejections.get(status.worker().role()).increment();
        }
    }

    @Override
    public void onPanic(Role role, boolean on) {
        if (on) {
            panics.get(role).increment();
        }
    }

    @Override
    public void onEjectedPairs(Set<WorkerPair> ejected) {
        ejectedPairs = ejected.size();
    }
}
