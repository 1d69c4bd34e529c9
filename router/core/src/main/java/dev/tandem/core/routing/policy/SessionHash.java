// SPDX-License-Identifier: Apache-2.0
package dev.tandem.core.routing.policy;

import dev.tandem.core.fleet.Membership;
import dev.tandem.core.routing.RoutingPolicy;
import dev.tandem.core.routing.Selector;
import dev.tandem.core.time.Ticker;
import java.util.function.Supplier;
import java.util.random.RandomGenerator;

/**
 * The same worker for all requests of a session: rendezvous hashing of the session key with bounded load. A request
 * without a session key goes where {@code prefix-hash} would send it, and with no prompt either, where chance does.
 * Thread-safe.
 */
public final class SessionHash implements RoutingPolicy {
    /** Name of this policy. */
    public static final String NAME = "session";

    private final LoadBound bound;
    private final PrefixHash withoutSession;

    /** Makes a policy; chance decides only about requests with neither session nor prompt. */
    public SessionHash(LoadBound bound, Supplier<RandomGenerator> random, Ticker ticker) {
        this.bound = bound;
        this.withoutSession = new PrefixHash(bound, random, ticker);
    }

    @Override
    public String name() {
        return NAME;
    }

    @Override
    public Selector compile(Membership members) {
        Rendezvous rendezvous = new Rendezvous(members, bound);
        Selector fallback = withoutSession.compile(members);
        return (request, load) -> {
            String session = request.session();
            return session == null
                    ? fallback.select(request, load)
                    : rendezvous.select(Mix.hash(session), request.promptTokens(), load);
        };
    }
}
