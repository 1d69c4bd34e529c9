// SPDX-License-Identifier: Apache-2.0
package dev.tandem.core.routing;

import dev.tandem.core.fleet.LoadView;
import java.util.function.IntPredicate;

/**
 * A load view in which fewer workers are eligible. Thread-safe.
 *
 * @param load load of all of them
 * @param open whether the worker at a slot may be chosen, if it is eligible at all
 */
record Narrowed(LoadView load, IntPredicate open) implements LoadView {
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
        return load.eligible(slot) && open.test(slot);
    }
}
