// SPDX-License-Identifier: Apache-2.0
package dev.tandem.gateway.answer;

import static org.assertj.core.api.Assertions.assertThat;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import java.nio.charset.StandardCharsets;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class PromptLogprobsTest {
    private static final String TOLD =
            "\"prompt_logprobs\":[null,{\"437\":{\"logprob\":-5.3396315574646,\"rank\":50,\"decoded_token\":\" [é]\\\"\"}}]";

    @ParameterizedTest
    @ValueSource(
            strings = {
                "{\"choices\":[{\"index\":0,\"text\":\"é\",%s,\"prompt_token_ids\":null}],\"usage\":{}}",
                "{\"choices\":[{\"message\":{\"content\":\"x\"}}],\"usage\":{},%s,\"metrics\":null}"
            })
    void passFromOneAnswerIntoAnotherAsTheyAre(String shape) {
        String told = shape.formatted(TOLD);

        PromptLogprobs found =
                PromptLogprobs.in(bytes("xx" + told).skipBytes(2)).orElseThrow();

        ByteBuf merged = found.inItsPlace().in(bytes(shape.formatted("\"prompt_logprobs\":null")));
        assertThat(merged.toString(StandardCharsets.UTF_8)).isEqualTo(told);
    }

    @Test
    void aTextThatSpeaksOfThemStaysAsItIs() {
        PromptLogprobs found = PromptLogprobs.in(bytes("{" + TOLD + "}")).orElseThrow();
        String answer = "{\"choices\":[{\"text\":\"{\\\"prompt_logprobs\\\":null}\"}]}";

        assertThat(found.inItsPlace().in(bytes(answer)).toString(StandardCharsets.UTF_8))
                .isEqualTo(answer);
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "{\"choices\":[{\"text\":\"prompt_logprobs\",\"prompt_logprobs\":null}]}",
                "{\"choices\":[{\"text\":\"{\\\"prompt_logprobs\\\":[1]}\"}]}",
                "{\"prompt_logprobs\":[null,{",
                "{}",
                "",
                "no JSON"
            })
    void areAbsentWhereNobodyTellsThem(String answer) {
        assertThat(PromptLogprobs.in(bytes(answer))).isEmpty();
    }

    private static ByteBuf bytes(String text) {
        return Unpooled.copiedBuffer(text, StandardCharsets.UTF_8);
    }
}
