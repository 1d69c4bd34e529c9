// SPDX-License-Identifier: Apache-2.0
package dev.tandem.gateway.it;

import static org.assertj.core.api.Assertions.assertThat;

import dev.tandem.gateway.it.RawClient.Answer;
import dev.tandem.simulator.http.Fault;
import dev.tandem.simulator.http.Fault.Kind;
import java.io.IOException;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Pairs whose decode engine dies in the midst of a stream: what follows is handed over anew. */
@Timeout(value = 120, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
final class ResumePairIT {
    private static final String PATH = "/v1/completions";
    private static final Map<String, String> RESUME = Map.of("tandem.stream.resume", "true");
    private static final String[] SESSION = {"x-session-id: one"};

    /** A second decode engine is needed, and engines that tell token ids. */
    private static Stream<HandoverProtocols> protocols() {
        return HandoverProtocols.all().stream()
                .filter(protocol ->
                        protocol.receivers() > 1 && !protocol.connector().equals("llamacpp-slot"));
    }

    private static HandoverProtocols protocol(String connector) {
        return protocols()
                .filter(protocol -> protocol.connector().equals(connector))
                .findFirst()
                .orElseThrow();
    }

    private static String ask(int number, boolean streaming) {
        return "{\"model\":\"tiny\",\"temperature\":0,\"max_tokens\":12,\"ignore_eos\":true,\"stream\":" + streaming
                + ",\"prompt\":\"" + number + " " + "the quick brown fox ".repeat(40) + "\"}";
    }

    private static Answer post(HandoverStack stack, int number, boolean streaming) throws IOException {
        Answer answer = RawClient.post(stack.rig().port(), PATH, ask(number, streaming), SESSION);
        assertThat(answer.status()).as("%s", answer).isEqualTo(200);
        return answer;
    }

    /** Lets the decode engine of the session fail, and returns what the client gets then. */
    private static Answer after(HandoverStack stack, Fault fault, boolean streaming) throws IOException {
        String decode = post(stack, 1, streaming).header("x-tandem-decode");
        stack.arm(decode, fault.on(PATH));
        return post(stack, 2, streaming);
    }

    @ParameterizedTest
    @MethodSource("protocols")
    void theStreamIsThatOfOneEngine(HandoverProtocols protocol) throws IOException {
        try (HandoverStack stack = HandoverStack.start(protocol, 2, 2, RESUME)) {
            Answer answer = after(stack, Fault.of(Kind.TRUNCATE).after(4), true);

            assertThat(Streams.text(answer)).isNotEmpty().isEqualTo(Streams.text(stack.alone(PATH, ask(2, true))));
            assertThat(answer.text()).endsWith("data: [DONE]\n\n").doesNotContain("error");
            assertThat(stack.rig().metric("tandem_resumes_total", "resumed")).isEqualTo(1);
            stack.rig().assertNothingLeft();
            assertThat(stack.violations()).isEmpty();
        }
    }

    /** Two attempts have been made by then, one of which was answered: the request itself is not to blame. */
    @Test
    void aWorkerThatDropsTheRestIsReplacedToo() throws IOException {
        try (HandoverStack stack = HandoverStack.start(protocol("nixl"), 2, 3, RESUME)) {
            String first = post(stack, 1, true).header("x-tandem-decode");
            stack.arm(first, Fault.of(Kind.RESET).on(PATH));
            String second = post(stack, 2, true).header("x-tandem-decode");
            stack.arm(first, Fault.of(Kind.TRUNCATE).after(4).on(PATH));
            stack.arm(second, Fault.of(Kind.RESET).on(PATH));

            Answer answer = post(stack, 3, true);

            assertThat(answer.header("x-tandem-decode")).isEqualTo(first).isNotEqualTo(second);
            assertThat(Streams.text(answer)).isNotEmpty().isEqualTo(Streams.text(stack.alone(PATH, ask(3, true))));
            assertThat(answer.text()).endsWith("data: [DONE]\n\n").doesNotContain("error");
            stack.rig().assertNothingLeft();
        }
    }

    @ParameterizedTest
    @ValueSource(ints = {0, 4})
    void whatADecodeEngineGivesUpDoesNotLookComplete(int events) throws IOException {
        try (HandoverStack stack = HandoverStack.start(protocol("ascend-layerwise"), 2, 2)) {
            Answer answer = after(stack, Fault.of(Kind.RECOMPUTED).after(events), true);
            String exact = Streams.text(stack.alone(PATH, ask(2, true)));

            if (events == 0) {
                assertThat(Streams.text(answer)).isEqualTo(exact);
            } else {
                assertThat(exact).startsWith(Streams.text(answer));
                assertThat(answer.text()).contains("stream_interrupted").doesNotContain("[DONE]", "recomputed");
            }
        }
    }

    /** An answer that is not streamed is tried again, since no byte of it has left; a stream goes on. */
    @ParameterizedTest
    @ValueSource(booleans = {false, true})
    void anotherPairMakesItGood(boolean streaming) throws IOException {
        try (HandoverStack stack =
                HandoverStack.start(protocol("ascend-layerwise"), 2, 2, streaming ? RESUME : Map.of())) {
            Answer answer = after(stack, Fault.of(Kind.RECOMPUTED).after(4), streaming);

            assertThat(Streams.text(answer)).isNotEmpty().isEqualTo(Streams.text(stack.alone(PATH, ask(2, streaming))));
            assertThat(answer.text()).doesNotContain("recomputed", "\"error\"");
            assertThat(stack.violations()).isEmpty();
        }
    }
}
