// SPDX-License-Identifier: Apache-2.0
package dev.tandem.core.routing.policy;

import dev.tandem.core.fleet.LoadView;
import dev.tandem.core.routing.Selector;
import java.util.random.RandomGenerator;

/**
 * Draws an eligible slot by chance, each with a probability proportional to its capacity. A drawn slot is refused with
 * the probability that it lacks in capacity, and the next is drawn; after a few refusals one scan draws among all.
 */
final class Draw {
    /** Draws before scanning instead; keeps the cost flat when few workers are eligible. */
    private static final int MAX_DRAWS = 4;

    private Draw() {}

    /** Returns a slot, or {@link Selector#NONE}. */
    static int any(LoadView load, int size, RandomGenerator random) {
        for (int i = 0; i < MAX_DRAWS && size > 0; i++) {
            int slot = random.nextInt(size);
            if (load.eligible(slot) && accepts(load, slot, random)) {
                return slot;
            }
        }
        return scan(load, size, random);
    }

    /** Whether a worker in slow start takes this one; always true otherwise. */
    static boolean accepts(LoadView load, int slot, RandomGenerator random) {
        double capacity = load.capacity(slot);
        return capacity >= 1 || random.nextDouble() < capacity;
    }

    private static int scan(LoadView load, int size, RandomGenerator random) {
        int chosen = Selector.NONE;
        double total = 0;
        for (int slot = 0; slot < size; slot++) {
            if (load.eligible(slot)) {
                double capacity = load.capacity(slot);
                total += capacity;
                if (random.nextDouble() * total < capacity) {
                    chosen = slot;
                }
            }
        }
        return chosen;
    }
}
