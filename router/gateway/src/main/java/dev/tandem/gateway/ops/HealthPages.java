// SPDX-License-Identifier: Apache-2.0
package dev.tandem.gateway.ops;

import dev.tandem.core.fleet.FleetSnapshot;
import dev.tandem.core.fleet.WorkerStatus;
import java.util.List;
import java.util.Map;
import java.util.function.BooleanSupplier;
import java.util.function.Supplier;

/**
 * Tells people and orchestrators how the gateway is: {@code /healthz} in full, {@code /livez} and {@code /readyz} in a
 * word. Thread-safe; answers at once from what is known, and liveness never depends on workers.
 */
public final class HealthPages {
    private final String version;
    private final boolean simulated;
    private final Supplier<List<WorkerStatus>> statuses;
    private final Supplier<FleetSnapshot> pairs;
    private final BooleanSupplier serves;
    private final BooleanSupplier draining;

    /**
     * Makes the pages.
     *
     * @param version version of the gateway
     * @param simulated whether the embedded simulator serves
     * @param statuses the fleet as it is now
     * @param pairs the pairs that get no requests, as it is now
     * @param serves whether a request can be served now
     * @param draining whether the gateway is shutting down
     */
    public HealthPages(
            String version,
            boolean simulated,
            Supplier<List<WorkerStatus>> statuses,
            Supplier<FleetSnapshot> pairs,
            BooleanSupplier serves,
            BooleanSupplier draining) {
        this.version = version;
        this.simulated = simulated;
        this.statuses = statuses;
        this.pairs = pairs;
        this.serves = serves;
        this.draining = draining;
    }

    /** Returns the makers of the pages, by path. */
    public Map<String, Supplier<Page>> byPath() {
        return Map.of("/healthz", this::healthz, "/livez", this::livez, "/readyz", this::readyz);
    }

    /** Every worker's state and reason: 200 while at least one gets requests, else 503. */
    Page healthz() {
        HealthReport report = report();
        return Page.json(report.serving() ? 200 : 503, report.json());
    }

    /** 200: whoever can answer lives. */
    Page livez() {
        return Page.json(200, "{\"status\":\"ok\"}");
    }

    /** 200 while a request can be served and the gateway is not draining, else 503 with the reason. */
    Page readyz() {
        if (draining.getAsBoolean()) {
            return notReady("draining");
        }
        if (serves.getAsBoolean()) {
            return livez();
        }
        return notReady(report().serving() ? "the workers that are up serve no request alone" : "no worker serves");
    }

    private static Page notReady(String reason) {
        return Page.json(503, "{\"status\":\"not ready\",\"reason\":\"" + reason + "\"}");
    }

    private HealthReport report() {
        return new HealthReport(version, simulated, statuses.get(), pairs.get());
    }
}
