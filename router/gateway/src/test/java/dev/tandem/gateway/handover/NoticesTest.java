// SPDX-License-Identifier: Apache-2.0
package dev.tandem.gateway.handover;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.tandem.core.failure.Failure;
import dev.tandem.core.failure.FailureException;
import dev.tandem.gateway.handover.Notices.Rank;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import reactor.core.publisher.Mono;
import reactor.core.scheduler.Schedulers;

class NoticesTest {
    private static final String KEY = "0123456789abcdef";
    private static final String LONG_KEY = "00112233445566778899aabbccddeeff";
    private static final Rank ONLY = new Rank(0, 1);

    private final List<String> verdicts = new ArrayList<>();
    private final Notices notices = new Notices(
            3,
            Schedulers.immediate(),
            (message, verdict) -> verdicts.add((message + " " + verdict).toLowerCase(Locale.ROOT)));

    @Test
    void dropsAndCountsWhatNobodyWaitsFor() {
        assertThat(notices.onNotice(KEY)).isFalse();
        assertThat(notices.onStored("chatcmpl-" + KEY + "-0a1b2c3d", ONLY)).isFalse();
        assertThat(notices.onCallback("cmpl-" + KEY + "-0", "{}").blockOptional())
                .isEmpty();

        assertThat(verdicts).containsExactly("notice unknown", "notice unknown", "callback unknown");
        assertThat(notices.size()).isZero();
    }

    @Test
    void keepsANoticeThatComesBeforeAnybodyAsks() {
        Awaited awaited = notices.expect(KEY);
        notices.onNotice(KEY);

        assertThat(done(awaited.arrived(1))).isTrue();
        assertThat(verdicts).containsExactly("notice accepted");
    }

    @Test
    void hearsNothingOnceClosed() {
        Awaited awaited = notices.expect(KEY);
        awaited.close();
        awaited.close();

        assertThat(notices.onNotice(KEY)).isFalse();
        assertThat(done(awaited.arrived(1))).isFalse();
        assertThat(notices.size()).isZero();
    }

    @Test
    void closingALateOneLeavesItsSuccessorAlone() {
        Awaited first = notices.expect(KEY);
        first.close();
        Awaited second = notices.expect(KEY);
        first.close();

        assertThat(notices.onNotice(KEY)).isTrue();
        assertThat(done(second.arrived(1))).isTrue();
    }

    @Test
    void waitsForEveryRankHoweverOftenOneTells() {
        Awaited awaited = notices.expect(KEY);
        List<String> seen = new ArrayList<>();
        awaited.arrived(1).subscribe(nothing -> {}, error -> {}, () -> seen.add("done"));

        notices.onStored(KEY, new Rank(1, 3));
        notices.onStored(KEY, new Rank(1, 3));
        notices.onStored(KEY, new Rank(0, 3));
        assertThat(seen).isEmpty();

        notices.onStored(KEY, new Rank(2, 3));
        assertThat(seen).containsExactly("done");
    }

    @Test
    void countsEachNoticeThatNamesNoRank() {
        Awaited awaited = notices.expect(KEY);

        notices.onNotice(KEY);
        assertThat(done(awaited.arrived(2))).isFalse();

        notices.onNotice(KEY);
        assertThat(done(awaited.arrived(2))).isTrue();
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                KEY,
                "chatcmpl-" + KEY + "-0a1b2c3d",
                "cmpl-" + KEY + "-0",
                "cmpl-" + KEY + "-0-0a1b2c3d",
                "cmpl-ffffffffffffffff-" + KEY
            })
    void findsTheIdInsideTheEnginesOwn(String engineId) {
        Awaited awaited = notices.expect(KEY);

        assertThat(notices.onStored(engineId, ONLY)).isTrue();
        assertThat(done(awaited.arrived(1))).isTrue();
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "",
                "chatcmpl-0123456789ABCDEF-0a1b2c3d",
                "chatcmpl-0123456789abcde-0a1b2c3d",
                "chatcmpl-a0123456789abcdef-0a1b2c3d",
                "chatcmpl-0123456789abcdef0-0a1b2c3d"
            })
    void takesNoOtherIdForIt(String engineId) {
        notices.expect(KEY);

        assertThat(notices.onStored(engineId, ONLY)).isFalse();
    }

    @Test
    void looksAtNoEndlessId() {
        notices.expect(KEY);

        assertThat(notices.onStored("x".repeat(1_000_000) + "-" + KEY, ONLY)).isFalse();
    }

    @Test
    void findsLongIds() {
        notices.expect(LONG_KEY);

        assertThat(notices.onStored("chatcmpl-___prefill_addr_10.0.0.1:2_" + LONG_KEY + "-0a1b2c3d", ONLY))
                .isTrue();
    }

    @Test
    void tellsASecondAttemptFromTheFirst() {
        Awaited second = notices.expect(KEY + "-2");

        assertThat(notices.onStored("chatcmpl-" + KEY + "-0a1b2c3d", ONLY)).isFalse();
        assertThat(notices.onStored("cmpl-" + KEY + "-0-0a1b2c3d", ONLY)).isFalse();
        assertThat(notices.onStored("chatcmpl-" + KEY + "-2-0a1b2c3d", ONLY)).isTrue();
        assertThat(done(second.arrived(1))).isTrue();
    }

    @Test
    void refusesMoreThanItMayHold() {
        notices.expect(KEY);
        notices.expect(LONG_KEY);
        Awaited third = notices.expect(KEY + "-2");

        assertThatThrownBy(() -> notices.expect(KEY + "-3"))
                .isInstanceOfSatisfying(
                        FailureException.class, e -> assertThat(e.failure()).isEqualTo(Failure.OVERLOADED));
        third.close();
        assertThat(notices.expect(KEY + "-3")).isNotNull();
    }

    @Test
    void refusesTwoWhoWaitForTheSame() {
        notices.expect(KEY);

        assertThatThrownBy(() -> notices.expect(KEY)).isInstanceOf(IllegalStateException.class);
    }

    @ParameterizedTest
    @ValueSource(strings = {"-1 1", "1 1", "0 0", "0 -1", "0 2000000000"})
    void knowsWhatNoRankIs(String numbers) {
        int space = numbers.indexOf(' ');
        int number = Integer.parseInt(numbers.substring(0, space));
        int of = Integer.parseInt(numbers.substring(space + 1));

        assertThatThrownBy(() -> new Rank(number, of)).isInstanceOf(IllegalArgumentException.class);
    }

    @Test
    void handsACallbackOverAndAnswersItWhenPrefillHasEnded() {
        Awaited awaited = notices.expect(KEY);
        List<Boolean> answers = new ArrayList<>();
        notices.onCallback("chatcmpl-" + KEY, "{\"remote_port\":7}").subscribe(answers::add);

        assertThat(awaited.callback().block()).isEqualTo("{\"remote_port\":7}");
        assertThat(answers).isEmpty();

        awaited.prefillEnded(true);
        awaited.close();
        assertThat(answers).containsExactly(true);
    }

    @Test
    void answersACallbackThatCameTwiceTwice() {
        Awaited awaited = notices.expect(KEY);
        List<Boolean> answers = new ArrayList<>();
        notices.onCallback("cmpl-" + KEY + "-0", "{\"first\":1}").subscribe(answers::add);
        awaited.prefillEnded(true);
        notices.onCallback("cmpl-" + KEY + "-0", "{\"second\":2}").subscribe(answers::add);

        assertThat(awaited.callback().block()).isEqualTo("{\"first\":1}");
        assertThat(answers).containsExactly(true, true);
    }

    @Test
    void answersAnAbandonedCallbackAsFailed() {
        Awaited awaited = notices.expect(KEY);
        List<Boolean> answers = new ArrayList<>();
        notices.onCallback("cmpl-" + KEY + "-0", "{}").subscribe(answers::add);
        awaited.close();

        assertThat(answers).containsExactly(false);
    }

    private static boolean done(Mono<Void> waiting) {
        List<String> seen = new ArrayList<>();
        waiting.subscribe(nothing -> {}, error -> {}, () -> seen.add("done"));
        return !seen.isEmpty();
    }
}
