// SPDX-License-Identifier: Apache-2.0
package dev.tandem.simulator.peer;

import dev.tandem.simulator.engine.Handover;
import java.util.List;
import java.util.concurrent.CompletableFuture;

/**
 * A prefill engine to which decode legs come for what it computes under a name on which a router made both legs agree,
 * whoever is there first. Implementations are thread-safe; only {@link #judge} may block, for a moment.
 */
public interface Host {
    /** A host to which nobody ever brings anything. */
    Host NONE = new Host() {
        @Override
        public CompletableFuture<Offer> meet(String name) {
            return new CompletableFuture<>();
        }

        @Override
        public void left(String name) {}

        @Override
        public Ledger.Verdict judge(String name, long prompt) {
            return Ledger.Verdict.UNKNOWN;
        }
    };

    /** Returns what a prefill leg leaves under a name; cancelling it says that nobody waits any more. */
    CompletableFuture<Offer> meet(String name);

    /** Notes that nobody will come for what is meant by a name. */
    void left(String name);

    /** Judges a decode leg, without waiting for the prefill leg, and notes that it has come if that is good. */
    Ledger.Verdict judge(String name, long prompt);

    /**
     * What a prefill leg leaves.
     *
     * @param hold Id under which its engine keeps the blocks.
     * @param blocks The blocks of its prompt.
     */
    record Offer(String hold, List<Handover.Block> blocks) {
        /** Copies the list. */
        public Offer {
            blocks = List.copyOf(blocks);
        }
    }
}
