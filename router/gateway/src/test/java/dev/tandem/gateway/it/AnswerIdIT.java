// SPDX-License-Identifier: Apache-2.0
package dev.tandem.gateway.it;

import static org.assertj.core.api.Assertions.assertThat;

import dev.tandem.gateway.it.RawClient.Answer;
import java.io.IOException;
import java.util.List;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** Clients see the id of their request, whatever engines call it: theirs may name addresses, or be a secret. */
@Timeout(value = 120, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
final class AnswerIdIT {
    private static final Pattern ID = Pattern.compile("\"id\": ?\"([^\"]*)\"");

    static Stream<HandoverProtocols> named() {
        List<String> connectors = List.of("p2p-nccl", "moriio-read", "nixl-push");
        return HandoverProtocols.all().stream().filter(protocol -> connectors.contains(protocol.connector()));
    }

    @ParameterizedTest
    @MethodSource("named")
    void aClientSeesTheIdOfItsRequestAndNoAddress(HandoverProtocols protocol) throws IOException {
        try (HandoverStack stack = HandoverStack.start(protocol, 1, 1)) {
            for (boolean streaming : new boolean[] {false, true}) {
                for (String path : List.of("/v1/completions", "/v1/chat/completions")) {
                    Answer answer = RawClient.post(stack.rig().port(), path, ask(path, streaming));
                    Answer alone = stack.alone(path, ask(path, streaming));

                    String prefix = path.contains("chat") ? "chatcmpl-" : "cmpl-";
                    assertThat(answer.status()).as("%s", answer).isEqualTo(200);
                    assertThat(answer.header("x-tandem-prefill")).isEqualTo("p1");
                    assertThat(ID.matcher(answer.text()).results().map(match -> match.group(1)))
                            .isNotEmpty()
                            .containsOnly(prefix + answer.header("x-request-id"));
                    assertThat(answer.text()).doesNotContain("_addr_").doesNotContain("127.0.0.1");
                    assertThat(Streams.text(answer)).isEqualTo(Streams.text(alone));
                }
            }
            assertThat(stack.violations()).isEmpty();
            stack.rig().assertNothingLeft();
        }
    }

    private static String ask(String path, boolean streaming) {
        String text = "word ".repeat(60);
        String prompt = path.contains("chat")
                ? "\"messages\":[{\"role\":\"user\",\"content\":\"" + text + "\"}]"
                : "\"prompt\":\"" + text + "\"";
        return "{\"model\":\"tiny\",\"temperature\":0,\"max_tokens\":6,\"stream\":" + streaming + "," + prompt + "}";
    }
}
