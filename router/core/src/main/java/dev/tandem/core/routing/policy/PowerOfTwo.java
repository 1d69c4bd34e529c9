// SPDX-License-Identifier: Apache-2.0
package dev.tandem.core.routing.policy;

import dev.tandem.core.fleet.LoadView;
import dev.tandem.core.fleet.Membership;
import dev.tandem.core.routing.RoutingPolicy;
import dev.tandem.core.routing.Selector;
import java.util.function.Supplier;
import java.util.random.RandomGenerator;

/**
 * The less loaded of two eligible workers drawn by chance: fewer pending prompt tokens, then fewer requests in flight.
 * The second draw is repeated a few times when it hits the first worker again. Thread-safe.
 *
 * <p>Source: M. Mitzenmacher, The Power of Two Choices in Randomized Load Balancing, 2001.
 */
public final class PowerOfTwo implements RoutingPolicy {
    /** Name of this policy. */
    public static final String NAME = "power-of-two";

    /** Draws of the second worker; with two workers one of eight decisions in 256 sees only one of them. */
    private static final int MAX_DRAWS = 8;

    private final Supplier<RandomGenerator> random;

    /** Makes a policy that draws from the generator of the calling thread. */
    public PowerOfTwo(Supplier<RandomGenerator> random) {
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
        int first = Draw.any(load, size, generator);
        if (first == Selector.NONE || size == 1) {
            return first;
        }
        int second = first;
        for (int i = 0; i < MAX_DRAWS && second == first; i++) {
            second = Draw.any(load, size, generator);
        }
        return second != Selector.NONE && lighter(load, second, first) ? second : first;
    }

    private static boolean lighter(LoadView load, int slot, int other) {
        long tokens = load.pendingTokens(slot) - load.pendingTokens(other);
        return tokens != 0 ? tokens < 0 : load.inFlight(slot) < load.inFlight(other);
    }
}
