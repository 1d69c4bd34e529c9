// SPDX-License-Identifier: Apache-2.0
package dev.tandem.gateway.trial;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.tandem.core.failure.FailureException;
import io.netty.buffer.Unpooled;
import java.nio.charset.StandardCharsets;
import java.util.HashSet;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class TrialTextTest {
    @Test
    void textsAreComparedAndTokensWhereBothTellThem() {
        TrialText bare = of("{\"choices\":[{\"text\":\"abc\"}]}");
        TrialText one = of("{\"choices\":[{\"text\":\"abc\",\"token_ids\":[1,2]}]}");
        TrialText other = of("{\"choices\":[{\"text\":\"abc\",\"token_ids\":[1,3]}]}");

        assertThat(bare.equal(one)).isTrue();
        assertThat(one.equal(other)).isFalse();
        assertThat(bare.equal(of("{\"choices\":[{\"text\":\"abd\"}]}"))).isFalse();
    }

    @Test
    void theFirstDifferenceIsShownInOneLine() {
        TrialText one = new TrialText("same so far, then\n\"this\" " + "x".repeat(100), null);
        TrialText other = new TrialText("same so far, then that", null);

        int at = one.firstDifference(other);

        assertThat(at).isEqualTo(17);
        assertThat(one.from(at)).isEqualTo("??this? " + "x".repeat(32));
        assertThat(other.from(at)).isEqualTo(" that");
        assertThat(new TrialText("a", null).firstDifference(new TrialText("ab", null)))
                .isEqualTo(1);
        assertThat(new TrialText("a", null).from(1)).isEmpty();
    }

    @ParameterizedTest
    @ValueSource(strings = {"", "<html>", "[]", "{}", "{\"choices\":[]}", "{\"choices\":[{\"text\":null}]}"})
    void anAnswerWithoutTextProvesNothing(String answer) {
        assertThatThrownBy(() -> of(answer)).isInstanceOf(FailureException.class);
    }

    @Test
    void aPromptIsNewFromItsBeginningAndLongEnough() {
        Set<String> beginnings = new HashSet<>();
        for (long number = 0; number < 1_000; number++) {
            TrialPrompt prompt = new TrialPrompt(number * 0x9E3779B97F4A7C15L, 400);
            beginnings.add(prompt.text().substring(0, 24));
            assertThat(prompt.text().split(" ", -1)).hasSizeGreaterThan(400);
        }
        assertThat(beginnings).hasSize(1_000);
    }

    @Test
    void aPromptIsTheSameForTheSameNumber() {
        assertThat(new TrialPrompt(7, 16).text()).isEqualTo(new TrialPrompt(7, 16).text());
        assertThat(new TrialPrompt(7, 16).json("m")).contains("\"model\":\"m\"", "\"temperature\":0");
    }

    private static TrialText of(String answer) {
        return TrialText.of(Unpooled.wrappedBuffer(answer.getBytes(StandardCharsets.UTF_8)));
    }
}
