// SPDX-License-Identifier: Apache-2.0
package dev.tandem.gateway.answer;

import static org.assertj.core.api.Assertions.assertThat;

import com.code_intelligence.jazzer.junit.FuzzTest;
import com.code_intelligence.jazzer.mutation.annotation.NotNull;
import com.code_intelligence.jazzer.mutation.annotation.WithLength;
import dev.tandem.core.disagg.Handover.Carried;
import dev.tandem.core.failure.FailureException;
import dev.tandem.core.request.ApiKind;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import io.netty.handler.codec.http.DefaultHttpHeaders;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.regex.Pattern;
import reactor.core.publisher.Flux;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/** Answers of engines, on bytes that nobody has thought of, in any pieces. */
class AnswerFuzzTest {
    private static final String TEXT = "\"id\":\"\"id\":\"1";
    private static final String NUMBER = "\"cached_tokens\":";
    private static final Pattern DIGITS = Pattern.compile("(?<text>" + NUMBER + ")\\d+");

    @FuzzTest(maxDuration = "2m")
    void anyPiecesAreTheSameEvents(byte @NotNull [] stream) {
        List<String> events =
                WholeEvents.in(pieces(stream)).collectList().blockOptional().orElseThrow();

        assertThat(String.join("", events)).isEqualTo(text(stream));
        events.stream()
                .limit(Math.max(0, events.size() - 1))
                .forEach(event -> assertThat(event).matches("(?s).*\n\r?\n"));
    }

    @FuzzTest(maxDuration = "2m")
    void aTapCountsWhatPasses(byte @NotNull [] stream) {
        AnswerTap whole = new AnswerTap();
        AnswerTap pieces = new AnswerTap();
        whole.accept(Unpooled.wrappedBuffer(stream));
        pieces(stream).doOnNext(pieces::accept).blockLast();

        assertThat(pieces.bytes()).isEqualTo(stream.length);
        assertThat(pieces.usage()).isEqualTo(whole.usage());
        assertThat(pieces.insideEvent()).isEqualTo(whole.insideEvent());
        assertThat(pieces.mayNameKv()).isEqualTo(whole.mayNameKv());
        for (ApiKind api : ApiKind.values()) {
            assertThat(pieces.complete(api)).isEqualTo(whole.complete(api));
            assertThat(pieces.failedByEngine(api)).isEqualTo(whole.failedByEngine(api));
        }
    }

    @FuzzTest(maxDuration = "2m")
    void aTextIsReplacedWhereverThePiecesAreCut(byte @NotNull [] stream) {
        assertThat(joined(Substitution.ofText(TEXT, "other").in(pieces(stream))))
                .isEqualTo(text(stream).replace(TEXT, "other"));
    }

    @FuzzTest(maxDuration = "2m")
    void aNumberIsReplacedWhereverThePiecesAreCut(byte @NotNull @WithLength(max = 1024) [] stream) {
        assertThat(joined(Substitution.ofNumber(NUMBER, () -> 42).in(pieces(stream))))
                .isEqualTo(DIGITS.matcher(text(stream)).replaceAll("${text}42"));
    }

    @FuzzTest(maxDuration = "2m")
    void aStreamThatBeginsWellIsPassedOnWhole(byte @NotNull @WithLength(max = 1024) [] stream) {
        try {
            EngineAnswer answer = Peek.at(new EngineAnswer(200, new DefaultHttpHeaders(), pieces(stream), () -> {}))
                    .blockOptional()
                    .orElseThrow();
            assertThat(joined(answer.body())).isEqualTo(text(stream));
        } catch (FailureException refused) {
            assertThat(refused.failure().blamesWorker()).isTrue();
        }
    }

    @FuzzTest(maxDuration = "2m")
    void whatPrefillHandsOverIsAnObject(byte @NotNull [] answer) {
        Carried wanted = new Carried(
                "kv_transfer_params",
                List.of("remote_engine_id", "remote_block_ids"),
                Map.of("remote_host", "\"10.0.0.1\""),
                List.of("prompt_token_ids"));
        PrefillAnswer.carried(Unpooled.wrappedBuffer(answer), wanted).ifPresent(put -> {
            JsonNode object = JsonMapper.shared().readTree(put.json());
            assertThat(object.path("remote_host").asString()).isEqualTo("10.0.0.1");
            assertThat(object.path("remote_engine_id").isNull()).isFalse();
            assertThat(object.has("remote_block_ids")).isTrue();
        });
    }

    /** Cuts a stream in pieces whose lengths its own bytes decide. */
    private static Flux<ByteBuf> pieces(byte[] stream) {
        List<ByteBuf> pieces = new ArrayList<>();
        for (int at = 0; at < stream.length; ) {
            int length = Math.min(stream.length - at, 1 + (stream[at] & 0x1F));
            pieces.add(Unpooled.copiedBuffer(stream, at, length));
            at += length;
        }
        return Flux.fromIterable(pieces);
    }

    private static String joined(Flux<ByteBuf> pieces) {
        StringBuilder all = new StringBuilder();
        pieces.doOnNext(piece -> {
                    all.append(piece.toString(StandardCharsets.ISO_8859_1));
                    piece.release();
                })
                .blockLast();
        return all.toString();
    }

    private static String text(byte[] stream) {
        return new String(stream, StandardCharsets.ISO_8859_1);
    }
}
