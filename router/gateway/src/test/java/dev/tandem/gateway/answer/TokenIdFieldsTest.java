// SPDX-License-Identifier: Apache-2.0
package dev.tandem.gateway.answer;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class TokenIdFieldsTest {
    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            quoteCharacter = '\'',
            value = {
                "{\"token_ids\":[1,2]} | {\"token_ids\":null}",
                "{\"prompt_token_ids\": [1],\"a\":[2],\"token_ids\":[]} | {\"prompt_token_ids\":null,\"a\":[2],\"token_ids\":null}",
                "{\"token_ids\":null} | {\"token_ids\":null}",
                "{\"my_token_ids\":[1]} | {\"my_token_ids\":[1]}",
                "{\"text\":\"\\\"token_ids\\\":[1]\"} | {\"text\":\"\\\"token_ids\\\":[1]\"}",
                "{\"token_ids\":[1 | {\"token_ids\":[1",
                "token_ids\":[1] | token_ids\":[1]"
            })
    void listsOfIdsAreHidden(String json, String hidden) {
        assertThat(TokenIdFields.hidden(json)).isEqualTo(hidden);
    }
}
