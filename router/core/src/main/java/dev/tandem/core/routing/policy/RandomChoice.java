// SPDX-License-Identifier: Apache-2.0
package dev.tandem.core.routing.policy;

import dev.tandem.core.fleet.Membership;
import dev.tandem.core.routing.RoutingPolicy;
import dev.tandem.core.routing.Selector;
import java.util.function.Supplier;
import java.util.random.RandomGenerator;

/** Any eligible worker by chance. Thread-safe. */
public final class RandomChoice implements RoutingPolicy {
    /** Name of this policy. */
    public static final String NAME = "random";

    private final Supplier<RandomGenerator> random;

    /** Makes a policy that draws from the generator of the calling thread. */
    public RandomChoice(Supplier<RandomGenerator> random) {
        this.random = random;
    }

    @Override
    public String name() {
        return NAME;
    }

    @Override
    public Selector compile(Membership members) {
        int size = members.size();
        return (request, load) -> Draw.any(load, size, random.get());
    }
}
