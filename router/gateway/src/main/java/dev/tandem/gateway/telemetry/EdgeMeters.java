// SPDX-License-Identifier: Apache-2.0
package dev.tandem.gateway.telemetry;

import dev.tandem.core.lifecycle.EdgeListener;
import io.micrometer.core.instrument.Counter;
import io.micrometer.core.instrument.MeterRegistry;
import java.util.function.Supplier;

/** Counts clients that are turned away, and shows what the others hold. Thread-safe; allocates nothing. */
public final class EdgeMeters implements EdgeListener {
    private final ByConstant<Rejection, Counter> rejected;

    /**
     * Registers the meters.
     *
     * @param registry where
     * @param connections how many connections of clients are open now
     * @param bodies how many bytes of requests are held now
     */
    public EdgeMeters(MeterRegistry registry, Supplier<Number> connections, Supplier<Number> bodies) {
        Meters.EDGE_CONNECTIONS.gauge(registry, connections);
        Meters.EDGE_BODIES.gauge(registry, bodies);
        rejected = new ByConstant<>(
                Rejection.values(), reason -> Meters.EDGE_REJECTED.counter(registry, MeterTag.value(reason)));
    }

    @Override
    public void onRejected(Rejection rejection) {
        rejected.get(rejection).increment();
    }
}
