// SPDX-License-Identifier: Apache-2.0
package dev.tandem.gateway.config;

import java.util.function.BooleanSupplier;
import org.springframework.context.ApplicationListener;
import org.springframework.context.event.ContextClosedEvent;

/** Knows whether the gateway is shutting down. Thread-safe. */
final class Draining implements ApplicationListener<ContextClosedEvent>, BooleanSupplier {
    private volatile boolean draining;

    @Override
    public void onApplicationEvent(ContextClosedEvent event) {
        draining = true;
    }

    @Override
    public boolean getAsBoolean() {
        return draining;
    }
}
