// SPDX-License-Identifier: Apache-2.0
package dev.tandem.simulator.peer;

import dev.tandem.simulator.engine.Handover;
import dev.tandem.simulator.engine.Handover.Block;
import dev.tandem.simulator.engine.Handover.Fetched;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.function.Consumer;

/**
 * KV that another engine pushes, in the order of the prompt's blocks. Thread-safe.
 *
 * <p>Nobody compares it with the prompt: of too many blocks the first are taken, missing ones hold nothing of use.
 */
public final class MailSource implements Handover.Source {
    private static final Block EMPTY = new Block(0, 0, 0);

    private final CompletableFuture<List<Block>> letter;
    private final int blocks;
    private final boolean stalls;

    /**
     * Makes a source.
     *
     * @param letter What comes; fails if nothing will.
     * @param blocks Blocks of the prompt, the last one perhaps not full.
     * @param stalls The engine computes nothing while it waits.
     */
    public MailSource(CompletableFuture<List<Block>> letter, int blocks, boolean stalls) {
        this.letter = letter;
        this.blocks = blocks;
        this.stalls = stalls;
    }

    @Override
    public void fetch(int wanted, Consumer<Fetched> done) {
        long start = System.nanoTime();
        CompletionStage<List<Block>> arrival = letter;
        arrival.whenComplete((found, failed) -> done.accept(
                failed == null ? new Fetched(last(found, wanted), 0, System.nanoTime() - start) : Fetched.FAILED));
    }

    @Override
    public void cancel() {}

    @Override
    public void waiting() {}

    @Override
    public boolean stalls() {
        return stalls;
    }

    private List<Block> last(List<Block> found, int wanted) {
        List<Block> taken = new ArrayList<>(wanted);
        for (int i = blocks - wanted; i < blocks; i++) {
            taken.add(i < found.size() ? found.get(i) : EMPTY);
        }
        return taken;
    }
}
