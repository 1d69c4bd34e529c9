// SPDX-License-Identifier: Apache-2.0
package dev.tandem.gateway.resume;

import static org.assertj.core.api.Assertions.assertThat;

import com.code_intelligence.jazzer.junit.FuzzTest;
import com.code_intelligence.jazzer.mutation.annotation.NotNull;
import com.code_intelligence.jazzer.mutation.annotation.WithLength;
import dev.tandem.core.disagg.BodyEdits.Edit.Put;
import dev.tandem.core.failure.Failure;
import dev.tandem.core.failure.FailureException;
import dev.tandem.core.request.ApiKind;
import dev.tandem.gateway.answer.WholeEvents;
import dev.tandem.gateway.body.Bodies;
import dev.tandem.gateway.body.Resumable;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import java.util.List;
import reactor.core.publisher.Flux;
import tools.jackson.databind.json.JsonMapper;

/** Streams of workers that are to go on elsewhere, on bytes that nobody has thought of. */
class ResumeFuzzTest {
    private static final Resumable COMPLETION =
            request(ApiKind.COMPLETIONS, "{\"prompt\":\"a\",\"max_tokens\":9,\"stream\":true,\"temperature\":0}");
    private static final Resumable CHAT = request(
            ApiKind.CHAT,
            "{\"messages\":[{\"role\":\"user\"}],\"stream\":true,\"temperature\":0,\"stream_options\":{\"include_usage\":true}}");

    private static final List<Way> WAYS = List.of(
            new Way(ApiKind.COMPLETIONS, COMPLETION, ResumeMode.ON),
            new Way(ApiKind.CHAT, CHAT, ResumeMode.ON),
            new Way(ApiKind.COMPLETIONS, COMPLETION, ResumeMode.TEXT),
            new Way(ApiKind.CHAT, CHAT, ResumeMode.TEXT));

    /** A search tries one of them with each stream, so that it gets through more streams. */
    private static final boolean SEARCHING = System.getenv("JAZZER_FUZZ") != null;

    @FuzzTest(maxDuration = "2m")
    void anyStreamIsPassedOnOrFails(byte @NotNull @WithLength(max = 1024) [] stream) {
        List<Way> tried = SEARCHING ? List.of(WAYS.get(stream.length % WAYS.size())) : WAYS;
        tried.forEach(way -> read(way.api(), way.request(), way.mode(), stream));
    }

    /** How a stream may be read. */
    private record Way(ApiKind api, Resumable request, ResumeMode mode) {}

    private static void read(ApiKind api, Resumable request, ResumeMode mode, byte[] stream) {
        Transcript transcript = new Transcript(api, request, new ResumeSettings(mode, 3, 100));
        pass(transcript, stream);
        requireWhole(transcript.next(4_096));
        pass(transcript, stream);
        requireWhole(transcript.next(4_096));
    }

    private static void pass(Transcript transcript, byte[] stream) {
        try {
            WholeEvents.in(Flux.just(Unpooled.wrappedBuffer(stream)))
                    .<ByteBuf>handle(transcript::pass)
                    .doOnNext(ByteBuf::release)
                    .blockLast();
        } catch (FailureException e) {
            assertThat(e.failure()).isEqualTo(Failure.STREAM_INTERRUPTED);
        }
    }

    private static void requireWhole(Continuation next) {
        switch (next) {
            case Continuation.Behind behind ->
                behind.edits().edits().stream()
                        .filter(Put.class::isInstance)
                        .map(Put.class::cast)
                        .forEach(put -> assertThat(JsonMapper.shared().readTree(put.json()))
                                .isNotNull());
            case Continuation.End end -> assertThat(end.events()).endsWith("data: [DONE]\n\n");
            case Continuation.FromStart start -> {}
            case Continuation.Impossible(String why) -> assertThat(why).isNotEmpty();
        }
    }

    private static Resumable request(ApiKind api, String body) {
        return Resumable.of(api, Bodies.json(body)).orElseThrow();
    }
}
