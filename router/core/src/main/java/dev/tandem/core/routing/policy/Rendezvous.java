// SPDX-License-Identifier: Apache-2.0
package dev.tandem.core.routing.policy;

import dev.tandem.core.fleet.LoadView;
import dev.tandem.core.fleet.Membership;
import dev.tandem.core.routing.Selector;

/**
 * Rendezvous hashing with bounded load over one membership. Thread-safe.
 *
 * <p>Each worker has a weight for each key, {@code mix(key ^ hash(worker id))}; the key's home is the eligible worker
 * with the highest weight that has room ({@link LoadBound}). So keys of a lost worker spread over all others, no other
 * key moves, and a worker that comes back takes back exactly its own. In slow start a worker takes the share
 * {@code capacity} of its keys, chosen by the key, so that no key goes back and forth. When nobody has room the least
 * loaded worker takes it.
 *
 * <p>Sources: D. Thaler, C. Ravishankar, Using Name-Based Mappings to Increase Hit Rates, 1998; V. Mirrokni et al.,
 * Consistent Hashing with Bounded Loads, 2018.
 */
final class Rendezvous {
    private static final double TWO_POW_MINUS_53 = 0x1p-53;

    private final LoadBound bound;
    private final long[] hashes;

    Rendezvous(Membership members, LoadBound bound) {
        this.bound = bound;
        this.hashes = members.workers().stream()
                .mapToLong(worker -> Mix.hash(worker.id()))
                .toArray();
    }

    int select(long key, long prompt, LoadView load) {
        long pending = 0;
        long inFlight = 0;
        int eligible = 0;
        for (int slot = 0; slot < hashes.length; slot++) {
            if (load.eligible(slot)) {
                eligible++;
                pending += load.pendingTokens(slot);
                inFlight += load.inFlight(slot);
            }
        }
        if (eligible == 0) {
            return Selector.NONE;
        }
        double fairTokens = (double) (pending + prompt) / eligible;
        double fairInFlight = (double) (inFlight + 1) / eligible;
        int home = home(key, prompt, load, fairTokens, fairInFlight);
        return home != Selector.NONE ? home : leastLoaded(key, load);
    }

    private int home(long key, long prompt, LoadView load, double fairTokens, double fairInFlight) {
        int best = Selector.NONE;
        long highest = 0;
        for (int slot = 0; slot < hashes.length; slot++) {
            long weight = Mix.mixed(key ^ hashes[slot]);
            if ((best == Selector.NONE || weight > highest) && load.eligible(slot)) {
                double capacity = load.capacity(slot);
                if (takes(weight, capacity)
                        && bound.hasRoom(load.pendingTokens(slot), prompt, fairTokens * capacity)
                        && bound.hasSeat(load.inFlight(slot), fairInFlight * capacity)) {
                    best = slot;
                    highest = weight;
                }
            }
        }
        return best;
    }

    private static boolean takes(long weight, double capacity) {
        return capacity >= 1 || (Mix.mixed(weight) >>> 11) * TWO_POW_MINUS_53 < capacity;
    }

    private int leastLoaded(long key, LoadView load) {
        int best = Selector.NONE;
        double least = 0;
        long highest = 0;
        for (int slot = 0; slot < hashes.length; slot++) {
            if (load.eligible(slot)) {
                double busy = (load.pendingTokens(slot) + 1) / load.capacity(slot);
                long weight = Mix.mixed(key ^ hashes[slot]);
                if (best == Selector.NONE || busy < least || (busy == least && weight > highest)) {
                    best = slot;
                    least = busy;
                    highest = weight;
                }
            }
        }
        return best;
    }
}
