// SPDX-License-Identifier: Apache-2.0
package dev.tandem.simulator.engine;

import static org.assertj.core.api.Assertions.assertThat;

import dev.tandem.simulator.engine.VirtualEngine.Answer;
import java.util.Arrays;
import java.util.Objects;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

class EngineCoreTest {
    /** 1 ms per step, 0.1 ms per prompt token, 0.01 ms per decoding request. */
    private static final Speed SPEED = new Speed("test", 1_000, 100, 10, 0, 0, 1_024);

    private static int[] prompt(int tokens, int seed) {
        return IntStream.range(0, tokens).map(i -> 300 + seed * 1_000 + i).toArray();
    }

    private static VirtualEngine engine(int blocks) {
        return new VirtualEngine(VirtualEngine.shape(SPEED, 4, blocks, null));
    }

    @Test
    void theTextIsAFunctionOfThePrompt() {
        String text = engine(100).answer("hello world", 8);
        assertThat(engine(100).answer("hello world", 8)).isEqualTo(text);
        assertThat(engine(100).answer("hello worle", 8)).isNotEqualTo(text);
        assertThat(engine(100).answer("hello world", 20)).startsWith(text);
    }

    @Test
    void anEngineWithCachedPrefixSaysTheSame() {
        VirtualEngine engine = engine(100);
        String text = engine.answer("one two three four five six seven eight nine ten", 8);
        assertThat(engine.answer("one two three four five six seven eight nine ten", 8))
                .isEqualTo(text);
        assertThat(engine.stats.count(EngineCounter.PREFIX_HITS)).isPositive();
    }

    @Test
    void cachedTokensAreWholeBlocksAndLeaveOneTokenToCompute() {
        VirtualEngine engine = engine(100);
        engine.add(prompt(8, 0), 1);
        engine.runToEnd();
        Answer same = engine.add(prompt(8, 0), 1);
        engine.runToEnd();
        assertThat(same.admitted).isEqualTo(new Admitted(4, 0, 4));
        Answer longer = engine.add(prompt(11, 0), 1);
        engine.runToEnd();
        assertThat(longer.admitted).isEqualTo(new Admitted(8, 0, 0));
    }

    @Test
    void anAnswerIsCachedForTheNextTurn() {
        VirtualEngine engine = engine(100);
        Answer first = engine.add(prompt(6, 0), 7);
        engine.runToEnd();
        int[] next = Arrays.copyOf(prompt(6, 0), 14);
        IntStream.range(0, 7).forEach(i -> next[6 + i] = first.tokens.get(i));
        next[13] = 999;
        Answer second = engine.add(next, 1);
        engine.runToEnd();
        assertThat(second.admitted.cachedTokens()).isEqualTo(12);
    }

    @Test
    void longPromptsAreComputedInChunksOfTheBudget() {
        VirtualEngine engine = engine(100);
        Answer answer = engine.add(prompt(150, 0), 2);
        assertThat(engine.step()).isEqualTo(1_000_000 + 64 * 100_000);
        assertThat(engine.step()).isEqualTo(1_000_000 + 64 * 100_000);
        assertThat(answer.tokens).isEmpty();
        assertThat(engine.step()).isEqualTo(1_000_000 + 22 * 100_000);
        assertThat(answer.tokens).hasSize(1);
        assertThat(engine.step()).isEqualTo(1_000_000 + 10_000);
        assertThat(answer.finish).isEqualTo(Finish.LENGTH);
    }

    @Test
    void decodingGoesOnWhileAPromptIsComputed() {
        VirtualEngine engine = engine(100);
        Answer early = engine.add(prompt(4, 0), 10);
        engine.step();
        engine.add(prompt(150, 1), 1);
        assertThat(engine.step()).isEqualTo(1_000_000 + 10_000 + 63 * 100_000);
        assertThat(early.tokens).hasSize(2);
    }

    @Test
    void sequencesBeyondTheSeatsWait() {
        VirtualEngine engine = engine(100);
        for (int i = 0; i < 6; i++) {
            engine.add(prompt(4, i), 3);
        }
        engine.step();
        assertThat(engine.stats.running()).isEqualTo(4);
        assertThat(engine.stats.waiting()).isEqualTo(2);
        engine.runToEnd();
        assertThat(engine.stats.finished(Finish.LENGTH)).isEqualTo(6);
    }

    @Test
    void sequencesThatOutgrowTheCacheAreComputedAgain() {
        VirtualEngine engine = engine(10);
        Answer first = engine.add(prompt(12, 0), 25);
        Answer second = engine.add(prompt(12, 1), 25);
        engine.runToEnd();
        assertThat(engine.stats.count(EngineCounter.PREEMPTIONS)).isPositive();
        VirtualEngine roomy = engine(100);
        Answer alone = roomy.add(prompt(12, 1), 25);
        roomy.runToEnd();
        assertThat(second.tokens).isEqualTo(alone.tokens);
        assertThat(first.tokens).hasSize(25);
    }

    @Test
    void anAbortGivesSeatAndBlocksBackAtOnce() {
        VirtualEngine engine = engine(100);
        Answer answer = engine.add(prompt(40, 0), 50);
        engine.step();
        assertThat(engine.stats.kvUsage()).isPositive();
        engine.core.abort(Objects.requireNonNull(answer.sequence));
        assertThat(engine.stats.running()).isZero();
        assertThat(engine.stats.kvUsage()).isZero();
        assertThat(engine.core.hasWork()).isFalse();
    }

    @Test
    void anAbortInTheMiddleOfAStepIsHarmless() {
        VirtualEngine engine = engine(100);
        Answer answer = engine.add(prompt(40, 0), 50);
        engine.core.beginStep(0);
        engine.core.abort(Objects.requireNonNull(answer.sequence));
        engine.core.finishStep(1);
        assertThat(answer.tokens).isEmpty();
        assertThat(engine.stats.kvUsage()).isZero();
    }

    @Test
    void countsPromptAndGeneratedTokens() {
        VirtualEngine engine = engine(100);
        engine.add(prompt(9, 0), 3);
        engine.runToEnd();
        engine.add(prompt(9, 0), 3);
        engine.runToEnd();
        assertThat(engine.stats.count(EngineCounter.PROMPT)).isEqualTo(18);
        assertThat(engine.stats.count(EngineCounter.PROMPT_COMPUTED)).isEqualTo(10);
        assertThat(engine.stats.count(EngineCounter.PROMPT_LOCAL_HIT)).isEqualTo(8);
        assertThat(engine.stats.count(EngineCounter.GENERATION)).isEqualTo(6);
        assertThat(engine.stats.histogram(EngineHistogram.FIRST_TOKEN).sum()).isEqualTo(0.0019 + 0.0011);
    }
}
