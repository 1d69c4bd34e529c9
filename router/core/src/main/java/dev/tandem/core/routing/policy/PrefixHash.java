// SPDX-License-Identifier: Apache-2.0
package dev.tandem.core.routing.policy;

import dev.tandem.core.fleet.Membership;
import dev.tandem.core.prefix.Fingerprint;
import dev.tandem.core.routing.RoutingPolicy;
import dev.tandem.core.routing.Selector;
import dev.tandem.core.time.Ticker;
import java.util.function.Supplier;
import java.util.random.RandomGenerator;

/**
 * The same worker for prompts that begin alike: rendezvous hashing of one key of the fingerprint's chain, with bounded
 * load ({@link Rendezvous}). Which key is learnt from the traffic ({@link Heat}): normally the first block, but behind
 * what too many requests have in common, so that a shared system prompt does not decide for everybody. A request
 * without a prompt goes to a worker by chance. Thread-safe.
 *
 * <p>It is the default on both sides. Where prompts are computed, affinity is what saves work. Where only caches are
 * loaded, it saves the transfer of what the session left there last time, and the bound on requests in flight keeps it
 * from piling up; whole requests (short prompts, no prefill worker up) run on the same workers and gain like prefill.
 */
public final class PrefixHash implements RoutingPolicy {
    /** Name of this policy. */
    public static final String NAME = "prefix-hash";

    private final LoadBound bound;
    private final Supplier<RandomGenerator> random;
    private final Heat heat;

    /** Makes a policy; chance decides only about requests without a prompt. */
    public PrefixHash(LoadBound bound, Supplier<RandomGenerator> random, Ticker ticker) {
        this.bound = bound;
        this.random = random;
        this.heat = new Heat(ticker);
    }

    @Override
    public String name() {
        return NAME;
    }

    @Override
    public Selector compile(Membership members) {
        int size = members.size();
        Rendezvous rendezvous = new Rendezvous(members, bound);
        return (request, load) -> {
            Fingerprint prompt = request.fingerprint();
            long key = prompt.blocks() == 0 ? random.get().nextLong() : prompt.key(heat.depth(prompt, size));
            return rendezvous.select(key, request.promptTokens(), load);
        };
    }
}
