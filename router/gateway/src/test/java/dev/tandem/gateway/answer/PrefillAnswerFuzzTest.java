// SPDX-License-Identifier: Apache-2.0
package dev.tandem.gateway.answer;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import com.code_intelligence.jazzer.junit.FuzzTest;
import com.code_intelligence.jazzer.mutation.annotation.NotNull;
import dev.tandem.core.disagg.BodyEdits.Edit.Put;
import dev.tandem.core.failure.Failure;
import dev.tandem.core.failure.FailureException;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import io.netty.handler.codec.http.DefaultHttpHeaders;
import java.util.Optional;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/** What one engine's answer tells and another's has to say, on bytes that nobody has thought of. */
class PrefillAnswerFuzzTest {
    private static final JsonMapper JSON = JsonMapper.shared();
    private static final String TOKEN = "{\"id\":\"c\",\"object\":\"text_completion\",\"created\":1,\"model\":\"m\","
            + "\"choices\":[{\"text\":\"a\\\"b\",\"finish_reason\":\"length\"}],"
            + "\"kv_transfer_params\":{\"first_tok\":7}}";

    @FuzzTest(maxDuration = "2m")
    void whatPrefillTellsFitsIntoTheOtherAnswer(byte @NotNull [] answer) {
        ByteBuf bytes = Unpooled.wrappedBuffer(answer);
        FirstToken.in(bytes).ifPresent(PrefillAnswerFuzzTest::requireWhole);
        PromptLogprobs.in(bytes)
                .ifPresent(told -> requireJson(joined(
                        told.inItsPlace().in(Flux.just(Unpooled.copiedBuffer("{\"prompt_logprobs\":null}", UTF_8))))));
        assertThat(CachedTokens.found(bytes)).isGreaterThanOrEqualTo(-1);
        assertThat(bytes.readableBytes()).isEqualTo(answer.length);
    }

    private static void requireWhole(FirstToken token) {
        assertThat(token.edits("[1,2]", 5)[0])
                .isInstanceOfSatisfying(
                        Put.class,
                        prompt -> assertThat(JSON.readTree(prompt.json())).hasSize(3));
        String event = joined(token.before(Mono.empty()).body());
        assertThat(event).startsWith("data: ").endsWith("\n\n");
        requireJson(event.substring("data: ".length()));
    }

    @FuzzTest(maxDuration = "2m")
    void whatIsHiddenLeavesAnAnswerWhole(byte @NotNull [] answer) {
        ByteBuf shown = HandoverFields.hide(Unpooled.wrappedBuffer(answer));
        if (json(new String(answer, UTF_8)).isPresent()) {
            requireJson(shown.toString(UTF_8));
        }
        shown.release();
    }

    @FuzzTest(maxDuration = "2m")
    void aTokenGoesBeforeAnyAnswer(byte @NotNull [] answer) {
        FirstToken token = FirstToken.in(Unpooled.copiedBuffer(TOKEN, UTF_8)).orElseThrow();
        EngineAnswer decode =
                new EngineAnswer(200, new DefaultHttpHeaders(), Flux.just(Unpooled.wrappedBuffer(answer)), () -> {});
        try {
            String joined = joined(token.joined(decode).body());
            if (json(new String(answer, UTF_8)).isPresent()) {
                requireJson(joined);
            }
        } catch (FailureException refused) {
            assertThat(refused.failure()).isEqualTo(Failure.ENGINE_ERROR);
        }
    }

    private static Optional<JsonNode> json(String text) {
        try {
            return Optional.of(JSON.readTree(text)).filter(JsonNode::isObject);
        } catch (JacksonException none) {
            return Optional.empty();
        }
    }

    private static void requireJson(String text) {
        assertThat(json(text)).as(text).isPresent();
    }

    private static String joined(Flux<ByteBuf> pieces) {
        StringBuilder all = new StringBuilder();
        pieces.doOnNext(piece -> {
                    all.append(piece.toString(UTF_8));
                    piece.release();
                })
                .blockLast();
        return all.toString();
    }
}
