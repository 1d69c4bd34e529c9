// SPDX-License-Identifier: Apache-2.0
package dev.tandem.core.routing;

import dev.tandem.core.fleet.LoadView;
import dev.tandem.core.fleet.Pool;
import dev.tandem.core.fleet.Worker;
import java.util.Set;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;

/** A pool with the policy compiled for it. Thread-safe. */
final class Route {
    private final Pool pool;
    private final String policy;
    private final Selector selector;

    Route(Pool pool, RoutingPolicy policy) {
        this.pool = pool;
        this.policy = policy.name();
        this.selector = policy.compile(pool.members());
    }

    String policy() {
        return policy;
    }

    Pool pool() {
        return pool;
    }

    boolean empty() {
        return pool.members().size() == 0;
    }

    /** Whether some worker may get this attempt. */
    boolean open(Set<String> excluded) {
        return new Pool(pool.members(), load(excluded)).anyEligible();
    }

    /** Returns the worker that the policy chooses, or null when none is eligible. */
    @Nullable
    Worker choose(RoutingRequest request, Set<String> excluded) {
        int slot = select(request, load(excluded));
        return slot == Selector.NONE ? null : worker(slot);
    }

    /** Returns the slot that the policy chooses under that load, or {@link Selector#NONE}. */
    int select(RoutingRequest request, LoadView load) {
        return selector.select(request, load);
    }

    /** Returns the worker at a slot. */
    Worker worker(int slot) {
        return pool.members().worker(slot);
    }

    /** Returns a pool of the same workers in which whoever is up is eligible, however busy. */
    Pool patient(Predicate<Worker> up) {
        return new Pool(pool.members(), new Patient(pool.load(), slot -> up.test(worker(slot))));
    }

    /** Returns the load of the pool, in which the excluded workers are not eligible. */
    LoadView load(Set<String> excluded) {
        return excluded.isEmpty()
                ? pool.load()
                : new Narrowed(
                        pool.load(), slot -> !excluded.contains(worker(slot).id()));
    }
}
