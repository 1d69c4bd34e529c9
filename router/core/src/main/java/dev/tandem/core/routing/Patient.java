// SPDX-License-Identifier: Apache-2.0
package dev.tandem.core.routing;

import dev.tandem.core.fleet.LoadView;
import java.util.function.IntPredicate;

/**
 * The load of a pool for those who can wait: whoever is up is eligible, however busy. Thread-safe if both are.
 *
 * @param load the load
 * @param up whether the worker of a slot is up
 */
record Patient(LoadView load, IntPredicate up) implements LoadView {
    @Override
    public int inFlight(int slot) {
        return load.inFlight(slot);
    }

    @Override
    public long pendingTokens(int slot) {
        return load.pendingTokens(slot);
    }

    @Override
    public double capacity(int slot) {
        return load.capacity(slot);
    }

    @Override
    public boolean eligible(int slot) {
        return load.eligible(slot) || up.test(slot);
    }
}
