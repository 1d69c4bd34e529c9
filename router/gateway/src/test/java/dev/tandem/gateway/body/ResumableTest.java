// SPDX-License-Identifier: Apache-2.0
package dev.tandem.gateway.body;

import static org.assertj.core.api.Assertions.assertThat;

import dev.tandem.core.request.ApiKind;
import java.nio.charset.StandardCharsets;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class ResumableTest {
    private static Optional<Resumable> of(ApiKind api, String json) {
        return Resumable.of(api, Bodies.json(json));
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "{\"prompt\":\"a\"}",
                "{\"prompt\":[1,2],\"max_tokens\":2,\"temperature\":0.7,\"return_token_ids\":true}",
                "{\"prompt\":\"a\",\"n\":1,\"stop\":[ ],\"logprobs\":null,\"presence_penalty\":0.0,\"seed\":null}",
            })
    void completionsThatOthersCanGoOnWith(String json) {
        assertThat(of(ApiKind.COMPLETIONS, json)).isPresent();
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "{}",
                "{\"prompt\":[\"a\"]}",
                "{\"prompt\":[[1,2]]}",
                "{\"prompt\":\"a\",\"max_tokens\":\"9\"}",
                "{\"prompt\":\"a\",\"n\":2}",
                "{\"prompt\":\"a\",\"stop\":\"x\"}",
                "{\"prompt\":\"a\",\"logprobs\":0}",
                "{\"prompt\":\"a\",\"seed\":1}",
                "{\"prompt\":\"a\",\"min_tokens\":3}",
                "{\"prompt\":\"a\",\"structured_outputs\":{}}",
                "{\"prompt\":\"a\",\"something_new\":1}",
                "{\"prompt\":\"a\",\"stream_options\":{\"continuous_usage_stats\":true}}",
                "{\"messages\":[]}",
            })
    void completionsThatTheyCannot(String json) {
        assertThat(of(ApiKind.COMPLETIONS, json)).isEmpty();
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "{\"messages\":[]}",
                "{\"messages\":[{\"role\":\"user\",\"content\":[{\"type\":\"text\",\"text\":\"a\"}]}],\"tools\":[]}",
                "{\"messages\":[{\"role\":\"assistant\",\"tool_calls\":[{\"type\":\"function\"}]}],\"tools\":null}",
                "{\"messages\":[],\"response_format\":{\"type\":\"text\"},\"max_completion_tokens\":null}",
            })
    void chatsThatOthersCanGoOnWith(String json) {
        assertThat(of(ApiKind.CHAT, json)).isPresent();
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "{\"messages\":[{\"role\":\"user\",\"content\":[{\"type\":\"image_url\"}]}]}",
                "{\"messages\":[],\"tools\":[{\"type\":\"function\"}]}",
                "{\"messages\":[],\"response_format\":{\"type\":\"json_object\"}}",
                "{\"messages\":[],\"max_completion_tokens\":-1}",
                "{\"messages\":[],\"logprobs\":true}",
            })
    void chatsThatTheyCannot(String json) {
        assertThat(of(ApiKind.CHAT, json)).isEmpty();
    }

    @Test
    void otherApisAndLargeBodiesAreLeftAlone() {
        assertThat(of(ApiKind.MESSAGES, "{\"messages\":[]}")).isEmpty();
        assertThat(of(ApiKind.COMPLETIONS, "{\"prompt\":\"" + "a".repeat(300_000) + "\"}"))
                .isEmpty();
    }

    @Test
    void theRestIsACompletion() {
        String chat = "{\"model\":\"m\",\"messages\":[],\"max_completion_tokens\":5,\"temperature\":0.0,\"n\":1}";
        RequestBody.Json body = Bodies.json(chat);
        Resumable request = Resumable.of(ApiKind.CHAT, body).orElseThrow();

        assertThat(request.maxTokens()).isEqualTo(5);
        assertThat(request.greedy()).isTrue();
        assertThat(BodyEditor.apply(body, request.behind("[1,2]", 3)).toString(StandardCharsets.UTF_8))
                .isEqualTo("{\"model\":\"m\",\"temperature\":0.0,\"prompt\":[1,2],\"max_tokens\":3}");
    }

    @Test
    void textStandsBehindThePromptOrAsAnAnswerThatHasBegun() {
        assertThat(behindText(ApiKind.COMPLETIONS, "{\"prompt\":\"a\\\"\",\"max_tokens\":9}"))
                .isEqualTo("{\"prompt\":\"a\\\" \\\"B\",\"max_tokens\":3}");
        assertThat(
                        behindText(
                                ApiKind.CHAT,
                                "{\"messages\":[{\"role\":\"user\",\"content\":\"]\"} ],\"max_tokens\":9,\"max_completion_tokens\":8}"))
                .isEqualTo("{\"messages\":[{\"role\":\"user\",\"content\":\"]\"} ,{\"role\":\"assistant\",\"content\":"
                        + "\" \\\"B\"}],\"max_tokens\":3,\"add_generation_prompt\":false,"
                        + "\"continue_final_message\":true}");
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "{\"prompt\":[1,2],\"max_tokens\":9}",
                "{\"prompt\":\"a\"}",
                "{\"messages\":[{\"role\":\"assistant\",\"content\":\"a\"}]}",
                "{\"messages\":[]}"
            })
    void whereTextHasNoPlace(String json) {
        ApiKind api = json.contains("prompt") ? ApiKind.COMPLETIONS : ApiKind.CHAT;

        assertThat(of(api, json).orElseThrow().behindText("B", 3)).isEmpty();
    }

    private static String behindText(ApiKind api, String json) {
        RequestBody.Json body = Bodies.json(json);
        Resumable request = Resumable.of(api, body).orElseThrow();
        return BodyEditor.apply(body, request.behindText(" \"B", 3).orElseThrow())
                .toString(StandardCharsets.UTF_8);
    }

    @Test
    void whatHasNoLimitHasTheOneOfItsApi() {
        assertThat(of(ApiKind.CHAT, "{\"messages\":[]}").orElseThrow().maxTokens())
                .isZero();
        assertThat(of(ApiKind.CHAT, "{\"messages\":[],\"max_tokens\":4}")
                        .orElseThrow()
                        .maxTokens())
                .isEqualTo(4);
        assertThat(of(ApiKind.COMPLETIONS, "{\"prompt\":\"a\"}").orElseThrow().maxTokens())
                .isEqualTo(16);
    }
}
