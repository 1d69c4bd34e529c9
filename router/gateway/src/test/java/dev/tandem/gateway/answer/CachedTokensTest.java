// SPDX-License-Identifier: Apache-2.0
package dev.tandem.gateway.answer;

import static org.assertj.core.api.Assertions.assertThat;

import dev.tandem.core.lifecycle.RequestRecord;
import io.netty.buffer.Unpooled;
import java.nio.charset.StandardCharsets;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class CachedTokensTest {
    private static int found(String answer) {
        return CachedTokens.found(Unpooled.copiedBuffer(answer, StandardCharsets.UTF_8));
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "128 | {\"prompt_tokens\":200,\"prompt_tokens_details\":{\"cached_tokens\":128,\"multimodal_tokens\":null}}",
                "64 | {\"input_tokens\":70,\"input_tokens_details\":{\"cached_tokens\":64}}",
                "32 | {\"input_tokens\":40,\"cache_read_input_tokens\":32}",
                "0 | {\"prompt_tokens\":200,\"prompt_tokens_details\":null}"
            })
    void theUsageOfThePrefillAnswerSaysIt(int tokens, String usage) {
        assertThat(found("{\"choices\":[{\"text\":\"usage\"}],\"usage\":" + usage + ",\"kv\":{\"blocks\":[1]}}"))
                .isEqualTo(tokens);
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "{\"usage\":{\"prompt_tokens_details\":null},\"kv\":{\"remote_prefill_cached_tokens\":7}}",
                "{\"choices\":[]}",
                "{\"usage\":null}",
                "data: {}\n\n",
                ""
            })
    void whereDecodeKnowsOrNobodySaysItStays(String answer) {
        assertThat(found(answer)).isEqualTo(RequestRecord.UNKNOWN);
    }
}
