// SPDX-License-Identifier: Apache-2.0
package dev.tandem.gateway.fleet;

import dev.tandem.core.disagg.ConnectorChoice;
import dev.tandem.core.fleet.EngineVersion;
import dev.tandem.core.fleet.Fleet;
import dev.tandem.core.fleet.Role;
import dev.tandem.core.fleet.Worker;
import dev.tandem.core.fleet.WorkerPair;
import dev.tandem.core.fleet.WorkerStatus;
import java.util.Objects;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * One line for each change of the fleet. Thread-safe.
 *
 * @param connectors know which engines are a risk
 * @param next hears everything, too
 */
public record FleetLog(ConnectorChoice connectors, Fleet.Listener next) implements Fleet.Listener {
    private static final Logger LOG = LoggerFactory.getLogger(Fleet.class);

    @Override
    public void onChange(WorkerStatus status) {
        String id = status.worker().id();
        String role = status.worker().role().tag();
        switch (status.state()) {
            case UP -> logUp(status, connectors.caution(status.facts()));
            case UNKNOWN -> LOG.info("worker added id={} role={}", id, role);
            case PROBATION -> LOG.info("worker on probation id={} role={} reason=\"{}\"", id, role, status.reason());
            case EJECTED -> LOG.warn("worker ejected id={} role={} reason=\"{}\"", id, role, status.reason());
            case DRAINING -> LOG.info("worker draining id={} role={}", id, role);
            case DOWN -> LOG.warn("worker down id={} role={} reason=\"{}\"", id, role, status.reason());
        }
        next.onChange(status);
    }

    @Override
    public void onPanic(Role role, boolean on) {
        if (on) {
            LOG.warn("more than half of the workers are ejected, all of them get requests role={}", role.tag());
        } else {
            LOG.info("at most half of the workers are ejected, they get no requests role={}", role.tag());
        }
        next.onPanic(role, on);
    }

    @Override
    public void onEjectedPairs(Set<WorkerPair> ejected) {
        LOG.warn("pairs whose hand-overs fail get no requests for a while pairs={}", ejected);
        next.onEjectedPairs(ejected);
    }

    private static void logUp(WorkerStatus status, @Nullable String caution) {
        Worker worker = status.worker();
        EngineVersion version = status.facts().version();
        LOG.info(
                "worker up id={} role={} models={} connector={} version={}",
                worker.id(),
                worker.role().tag(),
                status.models(),
                Objects.requireNonNullElse(status.facts().connector(), "unknown"),
                version == null ? "unknown" : version.text());
        if (caution != null) {
            LOG.warn("worker is up with a risk id={} risk=\"{}\"", worker.id(), caution);
        }
    }
}
