// SPDX-License-Identifier: Apache-2.0
package dev.tandem.core.routing;

import dev.tandem.core.routing.policy.LeastOutstanding;
import dev.tandem.core.routing.policy.LoadBound;
import dev.tandem.core.routing.policy.PowerOfTwo;
import dev.tandem.core.routing.policy.PrefixHash;
import dev.tandem.core.routing.policy.RandomChoice;
import dev.tandem.core.routing.policy.RoundRobin;
import dev.tandem.core.routing.policy.SessionHash;
import dev.tandem.core.time.Ticker;
import java.util.List;
import java.util.function.Supplier;
import java.util.random.RandomGenerator;

/** The catalogue of policies: adding one is one line here. */
public final class RoutingPolicies {
    /**
     * A policy that can be named in the configuration.
     *
     * @param name its name
     * @param factory makes an instance with a state of its own
     */
    public record Entry(String name, Factory factory) {}

    /** Makes policies. */
    @FunctionalInterface
    public interface Factory {
        /** Makes one with a state of its own; each decision asks {@code random} for the generator of its thread. */
        RoutingPolicy make(RoutingSettings settings, Supplier<RandomGenerator> random, Ticker ticker);
    }

    /** Every policy, in the order in which they are listed to operators. */
    public static final List<Entry> ALL = List.of(
            new Entry(PrefixHash.NAME, (settings, random, ticker) -> new PrefixHash(bound(settings), random, ticker)),
            new Entry(SessionHash.NAME, (settings, random, ticker) -> new SessionHash(bound(settings), random, ticker)),
            new Entry(PowerOfTwo.NAME, (settings, random, ticker) -> new PowerOfTwo(random)),
            new Entry(LeastOutstanding.NAME, (settings, random, ticker) -> new LeastOutstanding(random)),
            new Entry(RoundRobin.NAME, (settings, random, ticker) -> new RoundRobin(random)),
            new Entry(RandomChoice.NAME, (settings, random, ticker) -> new RandomChoice(random)));

    private RoutingPolicies() {}

    /** Returns the known names. */
    public static List<String> names() {
        return ALL.stream().map(Entry::name).toList();
    }

    /**
     * Makes a policy with a state of its own.
     *
     * @throws IllegalArgumentException when the name is unknown; the message lists the known ones
     */
    public static RoutingPolicy named(
            String name, RoutingSettings settings, Supplier<RandomGenerator> random, Ticker ticker) {
        return ALL.stream()
                .filter(entry -> entry.name().equals(name))
                .findFirst()
                .orElseThrow(() -> new IllegalArgumentException(
                        "policy: " + name + " (expected: one of " + String.join(", ", names()) + ")"))
                .factory()
                .make(settings, random, ticker);
    }

    private static LoadBound bound(RoutingSettings settings) {
        return new LoadBound(settings.batchTokens(), settings.loadBound());
    }
}
