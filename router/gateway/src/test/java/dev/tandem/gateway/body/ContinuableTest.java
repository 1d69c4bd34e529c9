// SPDX-License-Identifier: Apache-2.0
package dev.tandem.gateway.body;

import static org.assertj.core.api.Assertions.assertThat;

import dev.tandem.core.request.ApiKind;
import java.nio.charset.StandardCharsets;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class ContinuableTest {
    private static boolean is(String json) {
        return Continuable.is(ApiKind.COMPLETIONS, Bodies.json(json));
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "{\"prompt\":\"a\"}",
                "{\"model\":\"m\",\"prompt\":[1,2],\"max_tokens\":2,\"temperature\":0.7,\"stream\":true}",
                "{\"prompt\":\"a\",\"stream\":true,\"stream_options\":{ \"include_usage\" : true }}",
            })
    void whatTellsNoTokenFromAnotherIs(String json) {
        assertThat(is(json)).isTrue();
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "{}",
                "{\"prompt\":\"a\",\"max_tokens\":1}",
                "{\"prompt\":\"a\",\"max_tokens\":null}",
                "{\"prompt\":\"a\",\"max_tokens\":\"5\"}",
                "{\"prompt\":\"a\",\"stop\":[\"x\"]}",
                "{\"prompt\":\"a\",\"logprobs\":1}",
                "{\"prompt\":\"a\",\"seed\":1}",
                "{\"prompt\":\"a\",\"presence_penalty\":1}",
                "{\"prompt\":\"a\",\"structured_outputs\":{}}",
                "{\"prompt\":\"a\",\"something_new\":1}",
                "{\"prompt\":\"a\",\"stream_options\":{\"continuous_usage_stats\":true}}",
            })
    void whatMayTellThemIsNot(String json) {
        assertThat(is(json)).isFalse();
    }

    @Test
    void otherApisAreNot() {
        assertThat(Continuable.is(ApiKind.CHAT, Bodies.json("{\"prompt\":\"a\"}")))
                .isFalse();
    }

    @Test
    void aTokenizerGetsModelAndPromptOnly() {
        RequestBody.Json body = Bodies.json("{\"temperature\":0,\"model\":\"m\",\"prompt\":\"a\",\"stream\":true}");

        assertThat(BodyEditor.apply(body, Continuable.promptOnly(body)).toString(StandardCharsets.UTF_8))
                .isEqualTo("{\"model\":\"m\",\"prompt\":\"a\"}");
    }

    @Test
    void tokenIdsAreTakenAsTheyCame() {
        assertThat(Continuable.tokenIds(Bodies.json("{\"prompt\":[1, 2]}"))).contains("[1, 2]");
        assertThat(Continuable.tokenIds(Bodies.json("{\"prompt\":\"[1, 2]\"}"))).isEmpty();
    }
}
