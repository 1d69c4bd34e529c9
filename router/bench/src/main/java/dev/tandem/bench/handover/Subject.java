// SPDX-License-Identifier: Apache-2.0
package dev.tandem.bench.handover;

import java.util.ArrayList;
import java.util.List;

/**
 * One row: a pool, and who asks its engines. Immutable.
 *
 * @param name Name of the row.
 * @param pool The pool.
 * @param way Who asks its engines.
 */
record Subject(String name, Pool pool, Way way) {
    /** Who asks the engines. */
    enum Way {
        /** The client itself, both legs one after the other. */
        BY_HAND,
        /** Tandem. */
        TANDEM,
        /** vllm-router. */
        PEER
    }

    /** Returns the rows of these pools: what is asked by hand first, for comparison. */
    static List<Subject> of(List<Pool> pools, boolean peer) {
        List<Subject> subjects = new ArrayList<>();
        for (Pool pool : pools) {
            if (ByHand.speaks(pool)) {
                subjects.add(new Subject(title(pool) + ", no proxy", pool, Way.BY_HAND));
            }
        }
        pools.forEach(pool -> subjects.add(new Subject(title(pool), pool, Way.TANDEM)));
        for (Pool pool : pools) {
            if (peer && pool.name().equals(ByHand.NIXL)) {
                subjects.add(new Subject(pool.name() + ", vllm-router", pool, Way.PEER));
            }
        }
        return subjects;
    }

    /** Returns whether two engines are asked. */
    boolean handsOver() {
        return !pool.name().equals(Pool.UNIFIED);
    }

    /** Returns whether the client's first token waits for two engines. */
    boolean hasSeam() {
        return handsOver() && !prefillAnswersFirst();
    }

    /** Returns whether the client's first token is prefill's. */
    boolean prefillAnswersFirst() {
        return pool.name().equals(Pool.FIRST_TOKEN);
    }

    private static String title(Pool pool) {
        return pool.name().equals(Pool.UNIFIED) ? "one engine" : pool.name();
    }
}
