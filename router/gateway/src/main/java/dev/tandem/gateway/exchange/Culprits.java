// SPDX-License-Identifier: Apache-2.0
package dev.tandem.gateway.exchange;

import dev.tandem.core.failure.Failure;
import dev.tandem.core.failure.FailureException;
import dev.tandem.core.fleet.Worker;
import java.util.HashSet;
import java.util.Set;

/** The workers that have failed an attempt, by their ids. Confined to one request. */
public final class Culprits {
    private final Set<String> blamed = new HashSet<>();
    private final Set<String> doubted = new HashSet<>();
    private final Set<String> dead = new HashSet<>();

    Culprits() {}

    /** Returns who has failed it. */
    public Set<String> blamed() {
        return blamed;
    }

    /** Returns who may have failed it, and is better avoided as long as there are others. */
    public Set<String> doubted() {
        return doubted;
    }

    /**
     * Returns who has taken a leg and died of it, as it seems, whether that has failed the attempt or not: the
     * connection has broken, or the engine itself has said that it is dead.
     */
    public Set<String> dead() {
        return dead;
    }

    void blame(Worker worker) {
        blamed.add(worker.id());
    }

    void doubt(Worker worker) {
        doubted.add(worker.id());
    }

    /** A worker has failed its leg. */
    void note(Worker worker, FailureException failure) {
        if (failure.comesFrom(Failure.ENGINE_DROPPED)) {
            dead.add(worker.id());
        }
    }
}
