// SPDX-License-Identifier: Apache-2.0
package dev.tandem.core.health;

import java.time.Duration;
import java.util.Arrays;

/** Outcomes of the last 30 s, in steps of 3 s. Confined to its owner's lock. */
final class OutcomeWindow {
    private static final int STEPS = 10;
    private static final long STEP_NANOS = Duration.ofSeconds(3).toNanos();

    private final int[] outcomes = new int[STEPS];
    private final int[] failures = new int[STEPS];
    private long step = Long.MIN_VALUE;

    void add(boolean failed, long nowNanos) {
        advance(Math.floorDiv(nowNanos, STEP_NANOS));
        int slot = (int) Math.floorMod(step, (long) STEPS);
        outcomes[slot]++;
        failures[slot] += failed ? 1 : 0;
    }

    /** Returns the outcomes up to the last one that was added. */
    int outcomes() {
        return Arrays.stream(outcomes).sum();
    }

    int failures() {
        return Arrays.stream(failures).sum();
    }

    void clear() {
        Arrays.fill(outcomes, 0);
        Arrays.fill(failures, 0);
    }

    private void advance(long now) {
        long missed = step == Long.MIN_VALUE ? STEPS : now - step;
        for (long back = Math.min(missed, STEPS) - 1; back >= 0; back--) {
            int slot = (int) Math.floorMod(now - back, (long) STEPS);
            outcomes[slot] = 0;
            failures[slot] = 0;
        }
        step = now;
    }
}
