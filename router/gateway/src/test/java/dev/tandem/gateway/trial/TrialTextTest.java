// SPDX-License-Identifier: Apache-2.0
package dev.tandem.gateway.trial;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.tandem.core.failure.FailureException;
import dev.tandem.gateway.answer.UsageReport;
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
        TrialText one = said("same so far, then\n\"this\" " + "x".repeat(100));
        TrialText other = said("same so far, then that");

        int at = one.firstDifference(other);

        assertThat(at).isEqualTo(17);
        assertThat(one.from(at)).isEqualTo("??this? " + "x".repeat(32));
        assertThat(other.from(at)).isEqualTo(" that");
        assertThat(said("a").firstDifference(said("ab"))).isEqualTo(1);
        assertThat(said("a").from(1)).isEmpty();
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

    @Test
    void whatTheEngineUsedIsReadToo() {
        String text = "{\"choices\":[{\"text\":\"abc\"}]";

        assertThat(of(text + ",\"usage\":{\"prompt_tokens\":302,\"prompt_tokens_details\":{\"cached_tokens\":256}}}")
                        .usage())
                .isEqualTo(new UsageReport(302, 256, -1));
        assertThat(of(text + ",\"usage\":{\"prompt_tokens\":302,\"prompt_tokens_details\":null}}")
                        .usage())
                .isEqualTo(new UsageReport(302, -1, -1));
        assertThat(of(text + "}").usage()).isEqualTo(UsageReport.NONE);
    }

    private static TrialText said(String text) {
        return new TrialText(text, null, UsageReport.NONE);
    }

    private static TrialText of(String answer) {
        return TrialText.of(Unpooled.wrappedBuffer(answer.getBytes(StandardCharsets.UTF_8)));
    }
}
