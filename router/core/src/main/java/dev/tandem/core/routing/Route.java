// SPDX-License-Identifier: Apache-2.0
package dev.tandem.core.routing;

import dev.tandem.core.fleet.LoadView;
import dev.tandem.core.fleet.Membership;
import dev.tandem.core.fleet.Pool;
import dev.tandem.core.fleet.Worker;
import java.util.Set;
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
        int slot = selector.select(request, load(excluded));
        return slot == Selector.NONE ? null : pool.members().worker(slot);
    }

    private LoadView load(Set<String> excluded) {
        return excluded.isEmpty() ? pool.load() : new Excluding(pool.members(), pool.load(), excluded);
    }

    /** A load view in which some workers are not eligible. Thread-safe. */
    private record Excluding(Membership members, LoadView load, Set<String> excluded) implements LoadView {
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
            return load.eligible(slot)
                    && !excluded.contains(members.worker(slot).id());
        }
    }
}
