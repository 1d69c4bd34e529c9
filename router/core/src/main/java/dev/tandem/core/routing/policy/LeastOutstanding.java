// SPDX-License-Identifier: Apache-2.0
package dev.tandem.core.routing.policy;

import dev.tandem.core.fleet.LoadView;
import dev.tandem.core.fleet.Membership;
import dev.tandem.core.routing.RoutingPolicy;
import dev.tandem.core.routing.Selector;
import java.util.function.Supplier;
import java.util.random.RandomGenerator;

/**
 * The eligible worker with the fewest requests in flight; chance decides among equals. A worker in slow start looks as
 * much busier as its capacity is smaller. Thread-safe.
 */
public final class LeastOutstanding implements RoutingPolicy {
    /** Name of this policy. */
    public static final String NAME = "least-outstanding";

    private final Supplier<RandomGenerator> random;

    /** Makes a policy that breaks ties with the generator of the calling thread. */
    public LeastOutstanding(Supplier<RandomGenerator> random) {
        this.random = random;
    }

    @Override
    public String name() {
        return NAME;
    }

    @Override
    public Selector compile(Membership members) {
        int size = members.size();
        return (request, load) -> select(load, size);
    }

    private int select(LoadView load, int size) {
        RandomGenerator generator = random.get();
        int best = Selector.NONE;
        double least = Double.POSITIVE_INFINITY;
        int equals = 0;
        for (int slot = 0; slot < size; slot++) {
            if (!load.eligible(slot)) {
                continue;
            }
            double busy = (load.inFlight(slot) + 1) / load.capacity(slot);
            if (busy < least) {
                least = busy;
                best = slot;
                equals = 1;
            } else if (busy == least && generator.nextInt(++equals) == 0) {
                best = slot;
            }
        }
        return best;
    }
}
