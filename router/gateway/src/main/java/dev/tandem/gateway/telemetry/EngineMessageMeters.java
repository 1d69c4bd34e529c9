// SPDX-License-Identifier: Apache-2.0
package dev.tandem.gateway.telemetry;

import dev.tandem.core.lifecycle.EngineMessageListener;
import io.micrometer.core.instrument.Counter;
import io.micrometer.core.instrument.MeterRegistry;
import java.util.function.Supplier;

/** Counts what engines send unasked. Thread-safe; allocates nothing. */
public final class EngineMessageMeters implements EngineMessageListener {
    private final ByConstant<Message, ByConstant<Verdict, Counter>> counters;

    /**
     * Registers the meters.
     *
     * @param registry where
     * @param registered how many engines are registered now
     */
    public EngineMessageMeters(MeterRegistry registry, Supplier<Number> registered) {
        Meters.REGISTERED_ENGINES.gauge(registry, registered);
        counters = new ByConstant<>(Message.values(), message -> verdicts(registry, message));
    }

    @Override
    public void onMessage(Message message, Verdict verdict) {
        counters.get(message).get(verdict).increment();
    }

    private static ByConstant<Verdict, Counter> verdicts(MeterRegistry registry, Message message) {
        return new ByConstant<>(
                Verdict.values(),
                verdict -> Meters.ENGINE_MESSAGES.counter(registry, MeterTag.value(message), MeterTag.value(verdict)));
    }
}
