// SPDX-License-Identifier: Apache-2.0
package dev.tandem.core.health;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.tandem.core.time.FakeTicker;
import java.time.Duration;
import org.junit.jupiter.api.Test;

class SaturationTest {
    private static final SaturationSettings SETTINGS = new SaturationSettings(5, 0.9, Duration.ofSeconds(2));

    private final FakeTicker ticker = new FakeTicker();
    private final Saturation saturation = new Saturation(ticker);
    private int sent;

    @Test
    void whoHasSaidNothingTakesAnyNumber() {
        sent = 1_000;
        assertThat(saturated()).isFalse();
        assertThat(saturation.sampled()).isFalse();
    }

    @Test
    void aQueueOfThatLengthIsEnough() {
        says(4, 4);
        assertThat(saturated()).isFalse();
        says(4, 5);
        assertThat(saturated()).isTrue();
    }

    @Test
    void whatWasSentSinceWaitsToo() {
        says(4, 3);
        sent += 1;
        assertThat(saturated()).isFalse();
        sent += 1;
        assertThat(saturated()).isTrue();
        sent -= 1;
        assertThat(saturated()).as("one has ended").isFalse();
    }

    @Test
    void whatIsSentWhileTheEngineAnswersCounts() {
        Saturation.Question question = saturation.ask(sent);
        sent += 5;
        question.answered(new EngineLoad(4, 1, 0));
        assertThat(saturated()).isTrue();
    }

    @Test
    void anEngineWithoutAQueueHasRoomForAsManyAsItHasRunBefore() {
        says(1, 0);
        sent += 1_000;
        assertThat(saturated()).as("it has never had a queue").isFalse();
        sent = 0;
        says(8, 2);
        says(3, 0);
        sent += 5 + 4;
        assertThat(saturated()).isFalse();
        sent += 1;
        assertThat(saturated()).isTrue();
    }

    @Test
    void anEngineThatRunsMoreThanBeforeHasMoreRoom() {
        says(8, 2);
        says(8, 0);
        sent += 8 + 4;
        assertThat(saturated()).isFalse();
        sent += 1;
        assertThat(saturated()).isTrue();
        sent = 0;
        says(10, 1);
        says(9, 0);
        sent += 1 + 5;
        assertThat(saturated()).as("it has shown its room again").isTrue();
    }

    @Test
    void enginesThatRunManyMayHaveALongerQueue() {
        says(200, 29);
        assertThat(saturated()).isFalse();
        says(200, 30);
        assertThat(saturated()).isTrue();
    }

    @Test
    void aFullCacheIsEnoughAsLongAsSomebodyRunsWhoMayFreeIt() {
        says(new EngineLoad(1, 0, 0.9));
        assertThat(saturated()).isTrue();
        says(new EngineLoad(1, 0, 0.89));
        assertThat(saturated()).isFalse();
        says(new EngineLoad(0, 0, 1));
        assertThat(saturated()).isFalse();
    }

    @Test
    void whatWasSaidLongAgoDoesNotCount() {
        says(4, 100);
        ticker.advance(Duration.ofSeconds(2));
        assertThat(saturated()).isTrue();
        ticker.advance(Duration.ofNanos(1));
        assertThat(saturated()).isFalse();
    }

    @Test
    void anAnswerIsAsOldAsItsQuestion() {
        Saturation.Question question = saturation.ask(sent);
        ticker.advance(Duration.ofSeconds(3));
        question.answered(new EngineLoad(4, 100, 0));
        assertThat(saturated()).isFalse();
    }

    @Test
    void anotherEngineBeginsAnew() {
        says(1, 100);
        saturation.clear();
        assertThat(saturated()).isFalse();
        says(1, 0);
        sent += 1_000;
        assertThat(saturated()).isFalse();
    }

    @Test
    void numbersBeyondTheirRangeAreRefused() {
        assertThatThrownBy(() -> new EngineLoad(-1, 0, 0)).isInstanceOf(IllegalArgumentException.class);
        assertThatThrownBy(() -> new EngineLoad(0, 0, Double.NaN)).hasMessage("kvUsage: NaN (expected: 0 to 1)");
        assertThatThrownBy(() -> new SaturationSettings(0, 0.9, Duration.ZERO)).hasMessage("queue: 0 (expected: >= 1)");
        assertThatThrownBy(() -> new SaturationSettings(1, 0, Duration.ZERO))
                .hasMessage("kvUsage: 0.0 (expected: in (0, 1])");
    }

    private void says(int running, int waiting) {
        says(new EngineLoad(running, waiting, 0));
    }

    private void says(EngineLoad load) {
        saturation.ask(sent).answered(load);
    }

    private boolean saturated() {
        return saturation.now(sent, SETTINGS);
    }
}
