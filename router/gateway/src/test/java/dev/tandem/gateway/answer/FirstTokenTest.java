// SPDX-License-Identifier: Apache-2.0
package dev.tandem.gateway.answer;

import static org.assertj.core.api.Assertions.assertThat;

import dev.tandem.core.disagg.BodyEdits.Edit.Put;
import dev.tandem.core.failure.FailureException;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import io.netty.handler.codec.http.DefaultHttpHeaders;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;
import reactor.test.StepVerifier;

/** Shapes: vLLM 0.32.0, recorded 2026-11-21. */
class FirstTokenTest {
    private static final String PREFILL = "{\"id\":\"cmpl-1\",\"object\":\"text_completion\",\"created\":7,"
            + "\"model\":\"tiny\",\"choices\":[{\"index\":0,\"text\":\" \\\"ü\",\"logprobs\":null,"
            + "\"finish_reason\":\"length\"}],\"usage\":{\"prompt_tokens\":5,\"completion_tokens\":1},"
            + "\"kv_transfer_params\":{\"first_tok\":42}}";
    private static final String FIRST = "data: {\"id\":\"cmpl-1\",\"object\":\"text_completion\",\"created\":7,"
            + "\"model\":\"tiny\",\"choices\":[{\"index\":0,\"text\":\" \\\"ü\",\"logprobs\":null,"
            + "\"finish_reason\":null,\"stop_reason\":null}]}\n\n";
    private static final String EVENT =
            "data: {\"choices\":[{\"index\":0,\"text\":\"é \\\"prompt_tokens\\\":9\"}]}\n\n";
    private static final String USAGE = "data: {\"choices\":[],\"usage\":{\"prompt_tokens\":%d,\"total_tokens\":13,"
            + "\"completion_tokens\":%d,\"prompt_tokens_details\":{\"cached_tokens\":5}}}\n\n";
    private static final String DONE = "data: [DONE]\n\n";

    private static ByteBuf bytes(String text) {
        return Unpooled.copiedBuffer(text, StandardCharsets.UTF_8);
    }

    private static FirstToken token() {
        return FirstToken.in(bytes(PREFILL)).orElseThrow();
    }

    private static EngineAnswer answer(int status, ByteBuf... pieces) {
        return new EngineAnswer(status, new DefaultHttpHeaders(), Flux.just(pieces), () -> {});
    }

    private static String text(EngineAnswer answer) {
        ByteBuf all = Objects.requireNonNull(answer.all(1 << 20).block());
        return all.toString(StandardCharsets.UTF_8);
    }

    @Test
    void decodeGoesOnBehindTheTokenWithOneLess() {
        assertThat(token().edits("[1, 2]", 16))
                .containsExactly(new Put("prompt", "[1, 2,42]"), new Put("max_tokens", "15"));
    }

    static Stream<String> answersThatAreLeftToDecode() {
        return Stream.of(
                PREFILL.replace("\"first_tok\":42", "\"other\":1"),
                PREFILL.replace("\"first_tok\":42", "\"first_tok\":\"42\""),
                PREFILL.replace("\"length\"", "\"stop\""),
                PREFILL.replace(" \\\"ü", ""),
                PREFILL.replace("ü", "\ufffd"),
                PREFILL.substring(0, 100),
                "null");
    }

    @ParameterizedTest
    @MethodSource("answersThatAreLeftToDecode")
    void whatDoesNotGoOnIsLeftToDecode(String prefill) {
        assertThat(FirstToken.in(bytes(prefill))).isEqualTo(Optional.empty());
    }

    @Test
    void aStreamBeginsWithTheTokenBeforeDecodeIsAsked() {
        EngineAnswer stream = token().before(Mono.never());

        assertThat(stream.headers().get("content-type")).isEqualTo("text/event-stream; charset=utf-8");
        StepVerifier.create(stream.body().map(piece -> piece.toString(StandardCharsets.UTF_8)))
                .expectNext(FIRST)
                .thenCancel()
                .verify();
    }

    @Test
    void whereverAStreamIsCutItsUsageCountsTheTokenAsOutput() {
        byte[] stream = (EVENT + USAGE.formatted(6, 7) + DONE).getBytes(StandardCharsets.UTF_8);
        for (int cut = 0; cut <= stream.length; cut++) {
            EngineAnswer decode = answer(
                    200,
                    Unpooled.copiedBuffer(stream, 0, cut),
                    Unpooled.copiedBuffer(stream, cut, stream.length - cut));

            assertThat(text(token().before(Mono.just(decode)))).isEqualTo(FIRST + EVENT + USAGE.formatted(5, 8) + DONE);
        }
    }

    @Test
    void halfAnEventOfAStreamThatBreaksIsNotPassedOn() {
        Flux<ByteBuf> broken = Flux.<ByteBuf>just(bytes(EVENT + "data: {\"ch"))
                .concatWith(Flux.error(new IllegalStateException("reset")));
        EngineAnswer decode = new EngineAnswer(200, new DefaultHttpHeaders(), broken, () -> {});

        StepVerifier.create(
                        token().before(Mono.just(decode)).body().map(piece -> piece.toString(StandardCharsets.UTF_8)))
                .expectNext(FIRST, EVENT)
                .verifyErrorMessage("reset");
    }

    @Test
    void anEventWithoutEndFails() {
        List<ByteBuf> pieces =
                Stream.generate(() -> bytes("x".repeat(1 << 16))).limit(20).toList();
        EngineAnswer decode = answer(200, pieces.toArray(ByteBuf[]::new));

        StepVerifier.create(token().before(Mono.just(decode)).body())
                .expectNextCount(1)
                .verifyError(FailureException.class);
    }

    @ParameterizedTest
    @ValueSource(ints = {400, 500})
    void aRefusalBehindTheTokenBreaksTheStream(int status) {
        StepVerifier.create(
                        token().before(Mono.just(answer(status, bytes("{}")))).body())
                .expectNextCount(1)
                .verifyError(FailureException.class);
    }

    @Test
    void aWholeAnswerGetsTheTokenInFrontOfItsText() {
        String decode = "{\"id\":\"cmpl-1\",\"choices\":[{\"index\":0,\"text\":\"ä\",\"finish_reason\":\"stop\"}],"
                + "\"usage\":{\"prompt_tokens\":6,\"total_tokens\":9,\"completion_tokens\":3}}";

        assertThat(text(token().joined(answer(200, bytes(decode)))))
                .isEqualTo(
                        "{\"id\":\"cmpl-1\",\"choices\":[{\"index\":0,\"text\":\" \\\"üä\",\"finish_reason\":\"stop\"}],"
                                + "\"usage\":{\"prompt_tokens\":5,\"total_tokens\":9,\"completion_tokens\":4}}");
        assertThat(text(token().joined(answer(400, bytes("{}"))))).isEqualTo("{}");
    }

    @ParameterizedTest
    @ValueSource(strings = {"{\"choices\":[]}", "{\"choices\":[{\"text\":", "{}"})
    void aWholeAnswerWithoutTextFails(String decode) {
        StepVerifier.create(token().joined(answer(200, bytes(decode))).body()).verifyError(FailureException.class);
    }
}
