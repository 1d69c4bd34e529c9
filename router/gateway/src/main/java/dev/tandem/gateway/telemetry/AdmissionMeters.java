// SPDX-License-Identifier: Apache-2.0
package dev.tandem.gateway.telemetry;

import io.micrometer.core.instrument.MeterRegistry;
import java.util.function.Supplier;

/** Shows how many requests run and how many wait, and how many workers have enough of them. Thread-safe. */
public final class AdmissionMeters {
    /**
     * Registers the meters.
     *
     * @param registry where
     * @param running how many run now
     * @param waiting how many wait now
     * @param saturated how many workers are saturated now
     */
    public AdmissionMeters(
            MeterRegistry registry, Supplier<Number> running, Supplier<Number> waiting, Supplier<Number> saturated) {
        Meters.RUNNING.gauge(registry, running);
        Meters.WAITING.gauge(registry, waiting);
        Meters.SATURATED_WORKERS.gauge(registry, saturated);
    }
}
