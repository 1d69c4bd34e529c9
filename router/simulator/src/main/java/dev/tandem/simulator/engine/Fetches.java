// SPDX-License-Identifier: Apache-2.0
package dev.tandem.simulator.engine;

import dev.tandem.core.time.Ticker;
import dev.tandem.simulator.engine.Handover.Fetched;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Executor;
import java.util.function.Consumer;

/**
 * Sequences whose prompt is being fetched from another engine; they have the blocks for all of it. Confined to the
 * engine's thread.
 */
final class Fetches {
    private final EngineShape shape;
    private final KvMemory memory;
    private final EngineStats stats;
    private final Executor ownThread;
    private final Consumer<Sequence> ended;
    private final Ticker ticker;
    private final List<Sequence> open = new ArrayList<>();

    /**
     * {@code ownThread} runs on the engine's thread what comes from others; {@code ended} learns which fetch has ended;
     * the sequence goes on unless it is aborted.
     */
    Fetches(
            EngineShape shape,
            KvMemory memory,
            EngineStats stats,
            Executor ownThread,
            Consumer<Sequence> ended,
            Ticker ticker) {
        this.shape = shape;
        this.memory = memory;
        this.stats = stats;
        this.ownThread = ownThread;
        this.ended = ended;
        this.ticker = ticker;
    }

    List<Sequence> all() {
        return open;
    }

    /** Returns true if the engine computes nothing, and lets nobody go, until one of them ends. */
    boolean stall() {
        return open.stream()
                .map(Sequence::fetch)
                .anyMatch(fetch -> fetch != null && fetch.source().stalls());
    }

    /** Asks the other engine for what is not cached here. */
    void begin(Sequence sequence, Handover.Fetch fetch, long nowNanos) {
        open.add(sequence);
        if (fetch.terms().patience() != null) {
            sequence.fetchEndNanos = nowNanos + fetch.terms().patience().toNanos();
        }
        int all = fetch.terms().partial() ? (sequence.length - 1) / shape.blockSize() : sequence.blocks.size();
        fetch.source().fetch(all - sequence.fullBlocks, fetched -> {
            long came = ticker.nanoTime();
            ownThread.execute(() -> end(sequence, fetched, came));
        });
    }

    /** Forgets a sequence that has been aborted; false if it is not fetched. */
    boolean abandon(Sequence sequence) {
        boolean was = open.remove(sequence);
        if (was) {
            giveUp(sequence);
        }
        return was;
    }

    /** Ends what has taken too long. */
    void expire(long nowNanos) {
        for (Sequence sequence : List.copyOf(open)) {
            if (left(sequence, nowNanos) <= 0) {
                giveUp(sequence);
                end(sequence, Fetched.FAILED, nowNanos);
            }
        }
    }

    /** Returns the nanoseconds until the next of them has taken too long; {@link Long#MAX_VALUE} for never. */
    long nanosToExpiry(long nowNanos) {
        return open.stream()
                .mapToLong(sequence -> left(sequence, nowNanos))
                .min()
                .orElse(Long.MAX_VALUE);
    }

    private static long left(Sequence sequence, long nowNanos) {
        return sequence.fetchEndNanos == Long.MAX_VALUE ? Long.MAX_VALUE : sequence.fetchEndNanos - nowNanos;
    }

    private static void giveUp(Sequence sequence) {
        Handover.Fetch fetch = sequence.fetch();
        if (fetch != null) {
            fetch.source().abandon();
        }
    }

    private void end(Sequence sequence, Fetched fetched, long nanos) {
        if (!open.remove(sequence)) {
            return;
        }
        sequence.readyNanos = nanos;
        Handover.Fetch fetch = sequence.fetch();
        Handover.Terms terms = fetch == null ? Handover.Terms.NEEDED : fetch.terms();
        boolean failed = fetched.transferNanos() < 0 || (fetched.blocks().isEmpty() && !terms.partial());
        if (failed) {
            stats.add(EngineCounter.FAILED_TRANSFERS, 1);
        } else if (!fetched.blocks().isEmpty()) {
            stats.onFetched(fetched, shape.blockSize());
        }
        if (failed && terms.needed()) {
            fail(sequence);
        } else if (terms.partial()) {
            sequence.admitted = memory.fillSome(sequence, fetched.blocks());
        } else {
            memory.fill(sequence, fetched.blocks().iterator());
        }
        ended.accept(sequence);
    }

    private void fail(Sequence sequence) {
        memory.release(sequence);
        sequence.aborted = true;
        stats.countFinished(Finish.ERROR);
        sequence.request.listener().onFailed(TokenListener.Failure.KV_LOAD);
    }
}
