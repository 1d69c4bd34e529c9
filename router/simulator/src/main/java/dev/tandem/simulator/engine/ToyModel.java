// SPDX-License-Identifier: Apache-2.0
package dev.tandem.simulator.engine;

import dev.tandem.simulator.text.ContentHash;
import dev.tandem.simulator.text.Tokenizer;

/**
 * The "weights" of the simulated model: a token is a function of the content of all KV before it. Immutable.
 *
 * <p>Equal prompts give equal answers on every engine, also behind a part of the answer that another one generated; one
 * wrong KV block gives another text. Sampling parameters do not matter. An answer ends by itself where the content says
 * so, each token with the same chance.
 */
public final class ToyModel {
    private static final long WORD_DRAW = 0;
    private static final long END_DRAW = -1;

    private final int meanAnswer;

    /** Makes a model whose answers have this mean length in tokens; 0 lets them never end by themselves. */
    public ToyModel(int meanAnswer) {
        this.meanAnswer = meanAnswer;
    }

    /** Returns token {@code index} of the answer, behind KV of that content; {@link Tokenizer#END} ends the answer. */
    public int token(long content, int index, Limits limits) {
        boolean mayEnd = !limits.ignoreEnd() && index >= limits.minTokens();
        return mayEnd && ends(content) ? Tokenizer.END : word(content);
    }

    private static int word(long content) {
        long draw = ContentHash.mix(content, WORD_DRAW);
        return Tokenizer.spokenWord((int) Long.remainderUnsigned(draw, Tokenizer.SPOKEN_WORDS));
    }

    private boolean ends(long content) {
        long draw = ContentHash.mix(content, END_DRAW);
        return meanAnswer > 0 && Long.remainderUnsigned(draw, meanAnswer) == 0;
    }
}
