// SPDX-License-Identifier: Apache-2.0
package dev.tandem.gateway.it;

import static org.assertj.core.api.Assertions.assertThat;

import dev.tandem.gateway.it.RawClient.Answer;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ObjectNode;

/** What two engines answer together says what one of them says alone: its tokens, its usage, its choices. */
@Timeout(value = 120, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
final class AnswerOfTwoIT {
    private static final String COMPLETIONS = "/v1/completions";
    private static final String CHAT = "/v1/chat/completions";

    /** Differ from engine to engine, or by what each has cached itself. */
    private static final Set<String> OWN =
            Set.of("id", "created", "system_fingerprint", "created_cache_tokens", "kv_transfer_params", "timings");

    /** Connectors whose prefill answer is there before decode begins. */
    static Stream<HandoverProtocols> oneAfterTheOther() {
        Set<String> connectors =
                Set.of("shared-cache", "nixl", "p2p-nccl", "moriio-read", "offload-pull", "lmcache-mp", "lmcache-pd");
        return HandoverProtocols.all().stream().filter(protocol -> connectors.contains(protocol.connector()));
    }

    @ParameterizedTest
    @MethodSource("oneAfterTheOther")
    void cachedTokensAreThoseThatPrefillHasFound(HandoverProtocols protocol) throws IOException {
        try (HandoverStack stack = HandoverStack.start(protocol, 1, 1)) {
            for (String path : List.of(COMPLETIONS, CHAT)) {
                String first = protocol + " " + path; // some protocols share a folder in these tests
                for (String text : List.of(first, first, first + " and more")) {
                    for (boolean streaming : new boolean[] {true, false}) {
                        Answer alone = stack.alone(path, ask(path, text, streaming, ""));
                        Answer answer = RawClient.post(stack.rig().port(), path, ask(path, text, streaming, ""));

                        assertThat(answer.header("x-tandem-prefill"))
                                .as("%s", answer)
                                .isEqualTo("p1");
                        assertThat(told(answer)).as(text).isEqualTo(told(alone));
                        assertThat(answer.text()).contains("\"cached_tokens\":");
                    }
                }
            }
            assertThat(stack.violations()).isEmpty();
            stack.rig().assertNothingLeft();
        }
    }

    /** A model whose first token ends its answer says nothing, and its prompt is handed over all the same. */
    @ParameterizedTest
    @MethodSource("all")
    void anAnswerMayEndBeforeItBegins(HandoverProtocols protocol) throws IOException {
        try (HandoverStack stack = HandoverStack.start(protocol, 1, 1)) {
            for (String path : List.of(COMPLETIONS, CHAT)) {
                String text = unanswered(stack, path, protocol.toString());
                for (boolean streaming : new boolean[] {true, false}) {
                    String ask = ask(path, text, streaming, "");
                    Answer answer = RawClient.post(stack.rig().port(), path, ask);

                    assertThat(choices(answer)).as(ask).isEqualTo(choices(stack.alone(path, ask)));
                    assertThat(answer.header("x-tandem-prefill")).as(ask).isEqualTo("p1");
                }
            }
            assertThat(stack.violations()).isEmpty();
            stack.rig().assertNothingLeft();
        }
    }

    static List<HandoverProtocols> all() {
        return HandoverProtocols.all();
    }

    /** Returns a text that the model has nothing to say to. */
    private static String unanswered(HandoverStack stack, String path, String name) throws IOException {
        for (int number = 0; number < 5_000; number++) {
            String text = name + number;
            Answer alone = stack.alone(path, ask(path, text, false, ",\"max_tokens\":1"));
            if (alone.text().contains("\"finish_reason\":\"stop\"")) {
                return text;
            }
        }
        throw new AssertionError("every prompt is answered (expected: 1 in 64 is not)");
    }

    /** Whoever computes a prompt tells of it; the other worker tells nothing, and is not asked. */
    @ParameterizedTest
    @MethodSource("ofVllm")
    void whatIsAskedOfAPromptIsTold(HandoverProtocols protocol) throws IOException {
        Map<String, List<String>> asks = Map.of(
                COMPLETIONS,
                List.of(
                        ",\"prompt_logprobs\":1",
                        ",\"prompt_logprobs\":0,\"return_token_ids\":true",
                        ",\"prompt_logprobs\":2,\"echo\":true"),
                CHAT,
                List.of(",\"prompt_logprobs\":3", ",\"prompt_logprobs\":0,\"logprobs\":true,\"top_logprobs\":2"));
        try (HandoverStack stack = HandoverStack.start(protocol, 1, 1)) {
            for (var path : asks.entrySet()) {
                for (String more : path.getValue()) {
                    String ask = ask(path.getKey(), protocol + more.replace("\"", ""), false, more);

                    Answer answer = RawClient.post(stack.rig().port(), path.getKey(), ask);

                    assertThat(told(answer)).as(ask).isEqualTo(told(stack.alone(path.getKey(), ask)));
                    assertThat(answer.header("x-tandem-prefill")).as(ask).isEqualTo("p1");
                    assertThat(answer.text()).contains("\"prompt_logprobs\":[");
                }
            }
            assertThat(stack.violations()).isEmpty();
            stack.rig().assertNothingLeft();
        }
    }

    /** A llama-server tells no log-probabilities of a prompt. */
    static Stream<HandoverProtocols> ofVllm() {
        return HandoverProtocols.all().stream()
                .filter(protocol -> !protocol.connector().equals("llamacpp-slot"));
    }

    @Test
    void whateverIsAskedForIsAnswered() throws IOException {
        List<String> fields = List.of(
                "\"n\":2",
                "\"prompt_logprobs\":1",
                "\"echo\":true",
                "\"echo\":true,\"logprobs\":2",
                "\"return_token_ids\":true",
                "\"logprobs\":3",
                "\"n\":2,\"return_token_ids\":true,\"prompt_logprobs\":0");
        List<String> asks = new ArrayList<>();
        for (String field : fields) {
            asks.add(ask(COMPLETIONS, field.replace("\"", ""), false, "," + field));
            if (!field.contains("prompt_logprobs")) { // vLLM refuses them in a stream
                asks.add(ask(COMPLETIONS, field.replace("\"", ""), true, "," + field));
            }
        }
        asks.add("{\"model\":\"tiny\",\"temperature\":0,\"max_tokens\":3,\"prompt\":[\"" + "one ".repeat(60) + "\",\""
                + "two ".repeat(60) + "\"]}");
        try (HandoverStack stack = HandoverStack.start(named("nixl"), 1, 1)) {
            for (String ask : asks) {
                Answer answer = RawClient.post(stack.rig().port(), COMPLETIONS, ask);

                assertThat(told(answer)).as(ask).isEqualTo(told(stack.alone(COMPLETIONS, ask)));
                assertThat(answer.header("x-tandem-prefill")).as(ask).isEqualTo(split(ask) ? "p1" : "");
            }
            assertThat(stack.violations()).isEmpty();
        }
    }

    private static boolean split(String ask) {
        return Stream.of("\"n\"", "\"echo\":true,\"logprobs\"", "[").noneMatch(ask::contains);
    }

    @Test
    void whatEnginesThatServeNothingAloneCanNotAnswerIsRefusedClearly() throws IOException {
        try (HandoverStack stack = HandoverStack.start(named("p2p-nccl"), 1, 1)) {
            Answer answer =
                    RawClient.post(stack.rig().port(), COMPLETIONS, ask(COMPLETIONS, "two answers", false, ",\"n\":2"));

            assertThat(answer.status()).isEqualTo(400);
            assertThat(answer.text()).contains("not_splittable").contains("prompt_logprobs");
            assertThat(stack.violations()).isEmpty();
        }
    }

    private static HandoverProtocols named(String connector) {
        return HandoverProtocols.all().stream()
                .filter(protocol -> protocol.connector().equals(connector))
                .findAny()
                .orElseThrow();
    }

    private static String ask(String path, String text, boolean streaming, String more) {
        String words = text + " word".repeat(60);
        String prompt = path.equals(CHAT)
                ? "\"messages\":[{\"role\":\"user\",\"content\":\"" + words + "\"}]"
                : "\"prompt\":\"" + words + "\"";
        String stream = streaming ? ",\"stream\":true,\"stream_options\":{\"include_usage\":true}" : "";
        String limit = more.contains("max_tokens") ? "" : "\"max_tokens\":6,";
        return "{\"model\":\"tiny\",\"temperature\":0," + limit + prompt + stream + more + "}";
    }

    private static List<JsonNode> choices(Answer answer) {
        return told(answer).stream().map(object -> object.path("choices")).toList();
    }

    /** Returns the objects of an answer, without what every engine has of its own. */
    private static List<JsonNode> told(Answer answer) {
        assertThat(answer.status()).as("%s", answer).isEqualTo(200);
        List<JsonNode> told = new ArrayList<>();
        answer.text()
                .lines()
                .map(line -> line.startsWith("data: ") ? line.substring(6) : line)
                .forEach(json -> {
                    if (json.startsWith("{")) {
                        told.add(common(JsonMapper.shared().readTree(json)));
                    }
                });
        assertThat(told).isNotEmpty();
        return told;
    }

    private static JsonNode common(JsonNode node) {
        if (node instanceof ObjectNode object) {
            OWN.forEach(object::remove);
        }
        node.forEach(AnswerOfTwoIT::common);
        return node;
    }
}
