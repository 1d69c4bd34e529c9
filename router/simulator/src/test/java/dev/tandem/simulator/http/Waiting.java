// SPDX-License-Identifier: Apache-2.0
package dev.tandem.simulator.http;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.concurrent.locks.LockSupport;
import java.util.function.BooleanSupplier;

/** Waits for what another thread does. */
final class Waiting {
    private static final long PATIENCE_NANOS = 20_000_000_000L;
    /** Leaves the processor to the thread that is waited for. */
    private static final long PAUSE_NANOS = 50_000;

    private Waiting() {}

    static void until(BooleanSupplier condition) {
        long patience = System.nanoTime() + PATIENCE_NANOS;
        while (!condition.getAsBoolean()) {
            assertThat(System.nanoTime()).as("condition not met in time").isLessThan(patience);
            LockSupport.parkNanos(PAUSE_NANOS);
        }
    }
}
