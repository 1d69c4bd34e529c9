// SPDX-License-Identifier: Apache-2.0
package dev.tandem.core.health;

import static org.assertj.core.api.Assertions.assertThat;

import dev.tandem.core.time.FakeTicker;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

class ForwardProgressTest {
    private final FakeTicker ticker = new FakeTicker();
    private final ForwardProgress progress = new ForwardProgress(ticker);
    private final List<String> told = new ArrayList<>();

    @Test
    void whoOwesNothingMayBeSilent() {
        pass(100);
        assertThat(progress.silence()).isZero();
    }

    @Test
    void aPromptIsOwedFromWhenItIsSent() {
        pass(100);
        ForwardProgress.Answer answer = progress.expect(true);
        assertThat(progress.silence()).isZero();
        answer.sent();
        pass(7);
        assertThat(progress.silence()).hasSeconds(7);
        answer.begun();
        assertThat(progress.silence()).isZero();
    }

    @Test
    void aWholeAnswerIsNotOwed() {
        ForwardProgress.Answer answer = progress.expect(false);
        answer.sent();
        pass(100);
        assertThat(progress.silence()).isZero();
    }

    @Test
    void aWholeAnswerIsOwedByAnEngineThatTellsWhatItHasDone() {
        ForwardProgress.Answer answer = told("whole", progress.expect(false));
        answer.sent();
        pass(2);
        assertThat(progress.unsure(Duration.ofSeconds(3))).isFalse();
        pass(1);
        assertThat(progress.unsure(Duration.ofSeconds(3))).isTrue();
        progress.onDone(7);
        assertThat(progress.silence()).isZero();
        pass(5);
        progress.onDone(8);
        pass(4);
        progress.onDone(8);
        assertThat(progress.silence()).hasSeconds(4);
        progress.giveUp();
        assertThat(told).containsExactly("whole");

        progress.onUntold();
        assertThat(progress.silence()).as("nobody knows").isZero();
        assertThat(answer.owed()).isFalse();
        progress.onDone(8);
        answer.begun();
        answer.wanted(1);
        pass(9);
        assertThat(progress.silence()).as("it comes").isZero();
        assertThat(progress.unsure(Duration.ofSeconds(3))).isFalse();
        answer.over();
    }

    @Test
    void newRequestsDoNotHideThatTheOldOnesWait() {
        progress.expect(false).sent();
        pass(2);
        progress.expect(false).sent();
        pass(2);
        assertThat(progress.unsure(Duration.ofSeconds(4))).isTrue();
        progress.expect(true).sent();
        assertThat(progress.silence()).as("of whole answers nothing is known").isZero();
        pass(1);
        progress.expect(true).sent();
        assertThat(progress.silence()).hasSeconds(1);
    }

    @Test
    void anEngineThatDoesSomethingIsNotSilent() {
        stream().wanted(1);
        pass(5);
        progress.onDone(1);
        pass(1);
        assertThat(progress.silence()).hasSeconds(1);
    }

    @Test
    void aStreamIsOwedAsLongAsItsReaderWantsMore() {
        ForwardProgress.Answer answer = stream();
        assertThat(progress.silence()).as("nobody reads yet").isZero();
        answer.wanted(2);
        pass(3);
        assertThat(progress.silence()).hasSeconds(3);
        answer.came();
        pass(4);
        assertThat(progress.silence()).hasSeconds(4);
        answer.came();
        pass(5);
        assertThat(progress.silence()).as("a slow reader").isZero();
        answer.wanted(Long.MAX_VALUE);
        answer.wanted(Long.MAX_VALUE);
        pass(6);
        assertThat(progress.silence()).hasSeconds(6);
        answer.over();
        answer.over();
        answer.wanted(1);
        assertThat(progress.silence()).isZero();
    }

    @Test
    void anyByteIsASignOfLife() {
        stream().wanted(1);
        ForwardProgress.Answer whole = progress.expect(false);
        whole.sent();
        whole.begun();
        pass(30);
        whole.came();
        pass(2);
        assertThat(progress.silence()).hasSeconds(2);
        progress.restart();
        assertThat(progress.silence()).isZero();
    }

    @Test
    void whoWaitsForWhatIsOwedIsToldThatItWillNotCome() {
        ForwardProgress.Answer prompt = told("prompt", progress.expect(true));
        ForwardProgress.Answer stream = told("stream", stream());
        told("whole", progress.expect(false)).sent();
        told("not sent", progress.expect(true));
        told("read slowly", stream());
        prompt.sent();
        stream.wanted(1);

        progress.giveUp();
        assertThat(told).containsExactlyInAnyOrder("prompt", "stream");
        prompt.over();
        stream.came();
        assertThat(stream.owed()).isFalse();
        progress.giveUp();
        assertThat(told).hasSize(2);
    }

    private ForwardProgress.Answer told(String name, ForwardProgress.Answer answer) {
        answer.awaitedBy(() -> told.add(name));
        return answer;
    }

    private ForwardProgress.Answer stream() {
        ForwardProgress.Answer answer = progress.expect(true);
        answer.sent();
        answer.begun();
        return answer;
    }

    private void pass(int seconds) {
        ticker.advance(Duration.ofSeconds(seconds));
    }
}
