// SPDX-License-Identifier: Apache-2.0
package dev.tandem.simulator.engine;

import dev.tandem.simulator.text.ContentHash;
import dev.tandem.simulator.text.Tokenizer;

/**
 * The "weights" of the simulated model: token i of an answer is a function of the content of the prompt's KV and i.
 * Immutable.
 *
 * <p>Equal prompts give equal answers on every engine; one wrong KV block gives another text. Sampling parameters do
 * not matter. An answer ends by itself after a length that the content decides.
 */
public final class ToyModel {
    private static final long LENGTH_DRAW = -1;

    private final int meanAnswer;

    /** Makes a model whose answers have this mean length in tokens; 0 lets them never end by themselves. */
    public ToyModel(int meanAnswer) {
        this.meanAnswer = meanAnswer;
    }

    /** Returns token {@code index} of the answer, {@link Tokenizer#END} from its natural end on. */
    public int token(long content, int index, Limits limits) {
        boolean mayEnd = !limits.ignoreEnd() && index >= limits.minTokens();
        return mayEnd && index >= length(content) ? Tokenizer.END : word(content, index);
    }

    private static int word(long content, int index) {
        long draw = ContentHash.mix(content, index);
        return Tokenizer.spokenWord((int) Long.remainderUnsigned(draw, Tokenizer.SPOKEN_WORDS));
    }

    private int length(long content) {
        if (meanAnswer == 0) {
            return Integer.MAX_VALUE;
        }
        long draw = ContentHash.mix(content, LENGTH_DRAW);
        return Math.max(1, meanAnswer / 2) + (int) Long.remainderUnsigned(draw, Math.max(1, meanAnswer));
    }
}
