// SPDX-License-Identifier: Apache-2.0
package dev.tandem.core.fleet;

import java.util.List;

/**
 * The workers among which one policy chooses. Immutable; the position in the list is the slot.
 *
 * @param workers the workers, in the order of their ids
 */
public record Membership(List<Worker> workers) {
    /** Nobody. */
    public static final Membership EMPTY = new Membership(List.of());

    /** Copies the list. */
    public Membership {
        workers = List.copyOf(workers);
    }

    /** Returns the number of slots. */
    public int size() {
        return workers.size();
    }

    /** Returns the worker at a slot. */
    public Worker worker(int slot) {
        return workers.get(slot);
    }
}
