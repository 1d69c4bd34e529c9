// SPDX-License-Identifier: Apache-2.0
package dev.tandem.gateway.telemetry;

import io.micrometer.core.instrument.MeterRegistry;
import java.util.function.Supplier;

/** Shows how many requests run and how many wait. Thread-safe. */
public final class AdmissionMeters {
    /**
     * Registers the meters.
     *
     * @param registry where
     * @param running how many run now
     * @param waiting how many wait now
     */
    public AdmissionMeters(MeterRegistry registry, Supplier<Number> running, Supplier<Number> waiting) {
        Meters.RUNNING.gauge(registry, running);
        Meters.WAITING.gauge(registry, waiting);
    }
}
