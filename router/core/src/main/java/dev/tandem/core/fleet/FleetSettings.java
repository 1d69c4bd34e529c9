// SPDX-License-Identifier: Apache-2.0
package dev.tandem.core.fleet;

import dev.tandem.core.health.BreakerSettings;
import dev.tandem.core.health.ForwardProgress;
import java.time.Duration;

/**
 * When a worker counts as healthy. Immutable.
 *
 * @param probesUp good probes in a row that bring a worker back, at least 1; its very first start needs one
 * @param probesDown bad probes in a row that take a worker out, at least 1
 * @param breaker which failed requests take a worker or a pair out, and for how long; a refused connection takes a
 *     worker out at once
 * @param stall how long a worker may owe a sign of life ({@link ForwardProgress}); zero for ever
 * @param stallPerToken how much longer, for each prompt token that it has not computed yet
 * @param slowStart time in which the capacity of a worker that came back rises to 1; zero switches slow start off
 * @param slowStartFloor capacity at the begin of slow start, in (0, 1]
 */
public record FleetSettings(
        int probesUp,
        int probesDown,
        BreakerSettings breaker,
        Duration stall,
        Duration stallPerToken,
        Duration slowStart,
        double slowStartFloor) {
    /** Checks the ranges. */
    public FleetSettings {
        atLeastOne("probesUp", probesUp);
        atLeastOne("probesDown", probesDown);
        if (slowStart.isNegative()) {
            throw new IllegalArgumentException("slowStart: " + slowStart + " (expected: >= 0)");
        }
        if (!(slowStartFloor > 0 && slowStartFloor <= 1)) {
            throw new IllegalArgumentException("slowStartFloor: " + slowStartFloor + " (expected: in (0, 1])");
        }
    }

    /**
     * Returns 2 probes up, 3 down, the usual breaker, 20 s and 2 ms per token without a sign of life, 30 s slow start
     * from 0.1.
     */
    public static FleetSettings defaults() {
        return new FleetSettings(
                2,
                3,
                BreakerSettings.defaults(),
                Duration.ofSeconds(20),
                Duration.ofMillis(2),
                Duration.ofSeconds(30),
                0.1);
    }

    private static void atLeastOne(String name, int value) {
        if (value < 1) {
            throw new IllegalArgumentException(name + ": " + value + " (expected: >= 1)");
        }
    }
}
