// SPDX-License-Identifier: Apache-2.0
package dev.tandem.simulator.engine;

import java.time.Duration;
import java.util.List;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/** What a sequence has to do with the KV of another engine. Immutable. */
public sealed interface Handover {
    /**
     * The KV is for another engine: after the end its blocks stay as they are until they are fetched or the lease ends.
     * An aborted sequence keeps nothing.
     *
     * @param id Name under which the blocks are kept.
     * @param lease How long they are kept.
     * @param afterStop They are also kept if the model or a stop token ended the sequence, not only its limit.
     * @param kept Learns what is kept, on the engine's thread, before the last token is reported.
     */
    record Keep(String id, Duration lease, boolean afterStop, Consumer<Kept> kept) implements Handover {
        /** Makes one that keeps blocks however the sequence ends. */
        public Keep(String id, Duration lease, Consumer<Kept> kept) {
            this(id, lease, true, kept);
        }
    }

    /**
     * The KV of the prompt comes from another engine.
     *
     * @param source Where it comes from.
     * @param shownTokens Cached tokens that the usage shows; -1 for all that were found or fetched.
     * @param terms What happens if it does not come.
     */
    record Fetch(Source source, int shownTokens, Terms terms) implements Handover {
        /** Makes one without which the prompt cannot be answered, however long it takes. */
        public Fetch(Source source, int shownTokens) {
            this(source, shownTokens, Terms.NEEDED);
        }
    }

    /**
     * What happens if KV does not come.
     *
     * @param patience How long the sequence waits; null for no bound.
     * @param partial Only full blocks are fetched, and those that do not come are computed.
     * @param needed The sequence fails with the fetch; otherwise all is computed.
     */
    record Terms(@Nullable Duration patience, boolean partial, boolean needed) {
        /** All of it is needed, however long it takes. */
        public static final Terms NEEDED = new Terms(null, false, true);
    }

    /**
     * Both: KV of the prompt comes from one engine and is for another one.
     *
     * @param fetch How it comes.
     * @param keep How it stays.
     */
    record Relay(Fetch fetch, Keep keep) implements Handover {}

    /**
     * A request that kills the engine, as a malformed hand-over kills vLLM 0.32 (seen on 2026-11-21).
     *
     * @param reason Message of the failure.
     * @param atOnce The engine dies in its next step; otherwise the request waits, and the engine dies when another one
     *     comes or this one is aborted.
     */
    record Fatal(String reason, boolean atOnce) implements Handover {}

    /**
     * What a sequence has left behind.
     *
     * @param blocks Ids of its blocks, in their order.
     * @param computedTokens Tokens whose KV is in them.
     * @param cachedTokens Prompt tokens that the prefix cache had given.
     * @param generatedTokens Tokens that were generated.
     */
    record Kept(List<Integer> blocks, int computedTokens, int cachedTokens, int generatedTokens) {
        /** Copies the list. */
        public Kept {
            blocks = List.copyOf(blocks);
        }
    }

    /**
     * What one block holds at the moment.
     *
     * @param content Chain hash of its KV as a full block.
     * @param tail Chain hash of the prompt tokens with which a kept prompt ends in it.
     * @param tailTokens Number of those tokens; 0 if no kept prompt ends in it.
     */
    record Block(long content, long tail, int tailTokens) {}

    /**
     * The end of a fetch.
     *
     * @param blocks The blocks that were asked for; empty if the fetch failed. Of a partial fetch the first of them.
     * @param postNanos Time until the transfer began, nanoseconds.
     * @param transferNanos Time of the transfer, nanoseconds; negative if it failed.
     */
    record Fetched(List<Block> blocks, long postNanos, long transferNanos) {
        /** The fetch failed. */
        public static final Fetched FAILED = new Fetched(List.of(), 0, -1);

        /** Copies the list. */
        public Fetched {
            blocks = List.copyOf(blocks);
        }
    }

    /** Brings KV from another engine. Called on the engine's thread: never blocks. */
    interface Source {
        /**
         * Fetches the last {@code blocks} blocks of the prompt, of a partial fetch the last of those full blocks that
         * end before the last token; {@code done} may be called on any thread, once.
         */
        void fetch(int blocks, Consumer<Fetched> done);

        /** The request has ended before its fetch began: the other engine need not keep anything. */
        void cancel();

        /** Called now and then while the request waits for its fetch to begin. */
        void waiting();

        /** Returns true if the engine computes nothing, and lets nobody go, until a fetch that has begun ends. */
        default boolean stalls() {
            return false;
        }

        /** The request has ended while its fetch was under way, which may go on: nobody needs it any more. */
        default void abandon() {}
    }
}
