// SPDX-License-Identifier: Apache-2.0
package dev.tandem.gateway.body;

import static org.assertj.core.api.Assertions.assertThat;

import dev.tandem.core.request.ApiKind;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class TokenizableTest {
    private static String left(ApiKind api, String json) {
        RequestBody.Json body = Bodies.json(json);
        return Bodies.text(BodyEditor.apply(body, Tokenizable.of(api, body).orElseThrow()));
    }

    @Test
    void onlyWhatShapesThePromptIsLeft() {
        assertThat(left(ApiKind.COMPLETIONS, "{\"model\":\"m\",\"prompt\":\"a\",\"max_tokens\":3,\"temperature\":0}"))
                .isEqualTo("{\"model\":\"m\",\"prompt\":\"a\"}");
        assertThat(left(
                        ApiKind.CHAT,
                        "{\"messages\":[],\"tools\":[],\"tool_choice\":\"auto\",\"stop\":[\"x\"],\"seed\":1,"
                                + "\"chat_template_kwargs\":{\"enable_thinking\":false},\"conversation_id\":\"c\"}"))
                .isEqualTo("{\"messages\":[],\"tools\":[],\"chat_template_kwargs\":{\"enable_thinking\":false}}");
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "{\"messages\":[],\"documents\":[]}",
                "{\"messages\":[],\"response_format\":{\"type\":\"json_object\"}}",
                "{\"messages\":[],\"reasoning_effort\":\"low\"}",
                "{\"messages\":[],\"tool_choice\":\"none\"}",
                "{\"messages\":[],\"something_new\":1}",
                "{\"messages\":[{\"role\":\"user\",\"content\":[{\"type\":\"image_url\"}]}]}",
            })
    void chatsOfWhichATokenizerDoesNotKnowAll(String json) {
        assertThat(Tokenizable.of(ApiKind.CHAT, Bodies.json(json))).isEmpty();
    }

    @Test
    void otherApisHaveOtherTemplates() {
        assertThat(Tokenizable.of(ApiKind.MESSAGES, Bodies.json("{\"messages\":[]}")))
                .isEmpty();
        assertThat(Tokenizable.of(ApiKind.COMPLETIONS, Bodies.json("{\"prompt\":\"a\",\"suffix\":\"b\"}")))
                .isEmpty();
    }
}
