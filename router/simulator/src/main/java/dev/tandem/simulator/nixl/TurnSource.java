// SPDX-License-Identifier: Apache-2.0
package dev.tandem.simulator.nixl;

import dev.tandem.simulator.engine.Handover;
import dev.tandem.simulator.engine.Handover.Fetched;
import dev.tandem.simulator.peer.RemoteSource;
import java.util.List;
import java.util.function.Consumer;
import java.util.function.IntFunction;

/**
 * The KV that a decode engine keeps of a conversation's last turn, for the prompt of the next one. Thread-safe.
 *
 * <p>Nobody looks whether that prompt begins with the tokens of the last turn. What is cached here is not read, and if
 * little is left, nothing is; the decode engine learns in each case that it need not keep the blocks. Full blocks are
 * read and the rest is computed, where vLLM also reads the last block, which is not full. Source:
 * {@code pull_scheduler.py} of vLLM 0.32.0, read 2026-11-22.
 */
final class TurnSource implements Handover.Source {
    private static final Fetched NOTHING = new Fetched(List.of(), 0, 0);

    private final RemoteSource all;
    private final IntFunction<RemoteSource> first;
    private final Extent extent;

    /**
     * How much there is, and how much is wanted.
     *
     * @param prompt Tokens of the prompt.
     * @param covered Tokens of it whose KV is kept.
     * @param blockSize Tokens in a block.
     * @param threshold Fewer tokens are not read.
     */
    record Extent(int prompt, int covered, int blockSize, int threshold) {
        private int fullBlocks() {
            return covered / blockSize;
        }

        /** Returns the number of blocks that are cached here. */
        private int cached(int missing) {
            return (prompt - 1) / blockSize - missing;
        }

        private boolean readsNothing(int cached) {
            int left = covered - cached * blockSize;
            return fullBlocks() <= cached || left < threshold;
        }
    }

    /** Makes a source of all blocks, of which {@code first} gives the first ones. */
    TurnSource(RemoteSource all, IntFunction<RemoteSource> first, Extent extent) {
        this.all = all;
        this.first = first;
        this.extent = extent;
    }

    @Override
    public void fetch(int missing, Consumer<Fetched> done) {
        int cached = extent.cached(missing);
        if (extent.readsNothing(cached)) {
            all.cancel();
            done.accept(NOTHING);
        } else {
            first.apply(extent.fullBlocks()).fetch(extent.fullBlocks() - cached, done);
        }
    }

    @Override
    public void cancel() {
        all.cancel();
    }

    @Override
    public void waiting() {
        all.waiting();
    }
}
