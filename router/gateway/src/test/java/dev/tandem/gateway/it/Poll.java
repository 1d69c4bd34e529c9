// SPDX-License-Identifier: Apache-2.0
package dev.tandem.gateway.it;

import java.time.Duration;
import java.util.concurrent.locks.LockSupport;
import java.util.function.BooleanSupplier;
import java.util.function.Supplier;

/** Waits for something to become true, with a deadline instead of a pause. */
final class Poll {
    private static final Duration DEADLINE = Duration.ofSeconds(60);
    private static final long STEP_NANOS = 5_000_000;

    private Poll() {}

    static void until(String what, BooleanSupplier condition) {
        until(() -> what, condition);
    }

    static void until(Supplier<String> what, BooleanSupplier condition) {
        long deadline = System.nanoTime() + DEADLINE.toNanos();
        while (!condition.getAsBoolean()) {
            if (System.nanoTime() > deadline) {
                throw new AssertionError("not within " + DEADLINE.toSeconds() + " s: " + what.get());
            }
            LockSupport.parkNanos(STEP_NANOS);
        }
    }
}
