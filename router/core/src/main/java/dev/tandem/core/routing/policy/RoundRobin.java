// SPDX-License-Identifier: Apache-2.0
package dev.tandem.core.routing.policy;

import dev.tandem.core.fleet.LoadView;
import dev.tandem.core.fleet.Membership;
import dev.tandem.core.routing.RoutingPolicy;
import dev.tandem.core.routing.Selector;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.Supplier;
import java.util.random.RandomGenerator;

/**
 * One eligible worker after the other. The turn counts among the eligible ones, so that the neighbour of a lost worker
 * does not get two shares. A worker in slow start passes some of its turns on. Thread-safe.
 */
public final class RoundRobin implements RoutingPolicy {
    /** Name of this policy. */
    public static final String NAME = "round-robin";

    private final Supplier<RandomGenerator> random;
    private final AtomicLong turn = new AtomicLong();

    /** Makes a policy; chance decides only which turns a worker in slow start passes on. */
    public RoundRobin(Supplier<RandomGenerator> random) {
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
        int eligible = 0;
        for (int slot = 0; slot < size; slot++) {
            eligible += load.eligible(slot) ? 1 : 0;
        }
        if (eligible == 0) {
            return Selector.NONE;
        }
        int skip = (int) (turn.getAndIncrement() % eligible);
        int chosen = Selector.NONE;
        for (int step = 0; step < 2 * size; step++) {
            int slot = step % size;
            if (load.eligible(slot) && --skip < 0) {
                chosen = slot;
                if (Draw.accepts(load, slot, random.get())) {
                    return slot;
                }
            }
        }
        return chosen;
    }
}
