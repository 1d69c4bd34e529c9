// SPDX-License-Identifier: Apache-2.0
package dev.tandem.gateway.resume;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.tandem.core.disagg.BodyEdits.Edit;
import dev.tandem.core.disagg.BodyEdits.Edit.Put;
import dev.tandem.core.failure.FailureException;
import dev.tandem.core.request.ApiKind;
import dev.tandem.gateway.body.Bodies;
import dev.tandem.gateway.body.Resumable;
import io.netty.buffer.ByteBuf;
import java.nio.charset.StandardCharsets;
import java.util.List;
import org.junit.jupiter.api.Test;
import reactor.core.publisher.Flux;

class TranscriptTest {
    private static final String COMPLETION = "{\"prompt\":\"a\",\"max_tokens\":9,\"stream\":true,\"temperature\":0}";
    private static final String SAMPLED = "{\"prompt\":\"a\",\"max_tokens\":9,\"stream\":true}";
    private static final String CHAT = "{\"messages\":[],\"stream\":true,\"stream_options\":{\"include_usage\":true}}";

    private static Transcript of(ApiKind api, String body) {
        return of(api, body, 100);
    }

    private static Transcript of(ApiKind api, String body, int most) {
        return of(api, body, new ResumeSettings(ResumeMode.ON, 3, most));
    }

    private static Transcript behindText(ApiKind api, String body) {
        return of(api, body, new ResumeSettings(ResumeMode.TEXT, 3, 100));
    }

    private static Transcript of(ApiKind api, String body, ResumeSettings settings) {
        return new Transcript(api, Resumable.of(api, Bodies.json(body)).orElseThrow(), settings);
    }

    private static String first(String text, String ids) {
        return piece(text, "[7,8]", ids, "null");
    }

    private static String piece(String text, String ids) {
        return piece(text, "null", ids, "null");
    }

    private static String piece(String text, String prompt, String ids, String finish) {
        return "data: {\"id\":\"c\",\"object\":\"text_completion\",\"created\":1,\"model\":\"m\",\"choices\":[{\"index\":0,"
                + "\"text\":\"" + text + "\",\"logprobs\":null,\"finish_reason\":" + finish
                + ",\"stop_reason\":null,\"prompt_token_ids\":" + prompt + ",\"token_ids\":" + ids + "}]}\n\n";
    }

    private static String delta(String delta, String ids) {
        return "data: {\"id\":\"c\",\"object\":\"chat.completion.chunk\",\"created\":1,\"model\":\"m\",\"choices\":[{"
                + "\"index\":0,\"delta\":" + delta + ",\"logprobs\":null,\"finish_reason\":null,\"token_ids\":" + ids
                + "}],\"prompt_token_ids\":[7,8]}\n\n";
    }

    /** Returns an event in the shape of llama-server b11669, recorded 2026-11-21. */
    private static String llama(String id, String text, String more) {
        return "data: {\"choices\":[{\"text\":\"" + text + "\",\"index\":0,\"logprobs\":null,\"finish_reason\":"
                + (more.isEmpty() ? "null" : "\"length\"") + "}],\"created\":1,\"model\":\"m\","
                + "\"system_fingerprint\":\"b\",\"object\":\"text_completion\"" + more + ",\"id\":\"" + id + "\"}\n\n";
    }

    private static String llama(String text) {
        return llama("first", text, "");
    }

    private static String usage(int prompt, int completion) {
        return ",\"usage\":{\"completion_tokens\":" + completion + ",\"prompt_tokens\":" + prompt + ",\"total_tokens\":"
                + (prompt + completion) + "}";
    }

    /** Returns what the client sees of events. */
    private static String shown(Transcript transcript, String... events) {
        StringBuilder shown = new StringBuilder();
        for (ByteBuf piece : Flux.just(events).<ByteBuf>handle(transcript::pass).toIterable()) {
            shown.append(piece.toString(StandardCharsets.UTF_8));
        }
        return shown.toString();
    }

    private static String goesOnBehind(Transcript transcript) {
        Continuation next = transcript.next(0);
        assertThat(next).isInstanceOf(Continuation.Behind.class);
        return ((Continuation.Behind) next)
                .edits().edits().stream()
                        .filter(Put.class::isInstance)
                        .map(Put.class::cast)
                        .map(put -> put.field() + "=" + put.json())
                        .toList()
                        .toString();
    }

    private static String impossible(Transcript transcript) {
        Continuation next = transcript.next(0);
        assertThat(next).isInstanceOf(Continuation.Impossible.class);
        return ((Continuation.Impossible) next).why();
    }

    @Test
    void theClientDoesNotSeeTheIdsThatItHasNotAskedFor() {
        assertThat(shown(of(ApiKind.COMPLETIONS, COMPLETION), first("A", "[1]"), "data: [DONE]\n\n"))
                .isEqualTo(piece("A", "null", "null", "null") + "data: [DONE]\n\n");
    }

    @Test
    void anotherGoesOnBehindWhatTheClientHas() {
        Transcript transcript = of(ApiKind.COMPLETIONS, SAMPLED);
        shown(transcript, first("A", "[1]"), piece("B", "[2]"));

        assertThat(goesOnBehind(transcript)).isEqualTo("[prompt=[7,8,1,2], max_tokens=7]");
        assertThat(shown(transcript, piece("C", "[7,8,1,2]", "[3]", "null"))).isEqualTo(piece("C", "null"));
    }

    @Test
    void bytesOfHalfACharacterAreGeneratedAgain() {
        Transcript transcript = of(ApiKind.COMPLETIONS, SAMPLED);
        shown(transcript, first("A", "[1]"), piece("", "[2]"), piece("", "[3]"));

        assertThat(goesOnBehind(transcript)).isEqualTo("[prompt=[7,8,1], max_tokens=8]");
    }

    @Test
    void whereSeveralTokensCameTogetherTheyAreGeneratedAgainAndNotShownAgain() {
        Transcript transcript = of(ApiKind.COMPLETIONS, COMPLETION);
        shown(transcript, first("A", "[1]"), piece("BC", "[2,3]"));

        assertThat(goesOnBehind(transcript)).isEqualTo("[prompt=[7,8,1], max_tokens=8]");
        assertThat(shown(transcript, piece("B", "[2]"))).isEmpty();
        assertThat(shown(transcript, piece("CD", "[3,4]"))).isEqualTo(piece("D", "null"));
        assertThat(shown(transcript, piece("E", "[5]"))).isEqualTo(piece("E", "null"));
        assertThat(goesOnBehind(transcript)).isEqualTo("[prompt=[7,8,1,2,3,4,5], max_tokens=4]");
    }

    @Test
    void aSecondDeathBeforeWhatTheClientHasIsNoHarm() {
        Transcript transcript = of(ApiKind.COMPLETIONS, COMPLETION);
        shown(transcript, first("A", "[1]"), piece("BCD", "[2,3,4]"));
        goesOnBehind(transcript);
        shown(transcript, piece("B", "[2]"));

        assertThat(goesOnBehind(transcript)).isEqualTo("[prompt=[7,8,1,2], max_tokens=7]");
        assertThat(shown(transcript, piece("C", "[3]"), piece("D", "[4]"), piece("E", "[5]")))
                .isEqualTo(piece("E", "null"));
    }

    @Test
    void whoSaysSomethingElseIsNotBelieved() {
        Transcript transcript = of(ApiKind.COMPLETIONS, COMPLETION);
        shown(transcript, first("A", "[1]"), piece("BC", "[2,3]"));
        goesOnBehind(transcript);

        assertThatThrownBy(() -> shown(transcript, piece("X", "[9]")))
                .isInstanceOf(FailureException.class)
                .hasMessageContaining("other text");
    }

    @Test
    void aSampledAnswerIsNotGeneratedAgain() {
        Transcript transcript = of(ApiKind.COMPLETIONS, SAMPLED);
        shown(transcript, first("AB", "[1,2]"));

        assertThat(impossible(transcript)).contains("exactly");
    }

    @Test
    void whoTellsNoIdsCannotBeFollowed() {
        Transcript transcript = of(ApiKind.COMPLETIONS, SAMPLED);
        shown(transcript, piece("A", "null"));

        assertThat(impossible(transcript)).contains("token ids");
    }

    @Test
    void aGreedyAnswerWithoutIdsIsGeneratedAgainAndNotShownAgain() {
        Transcript transcript = of(ApiKind.COMPLETIONS, COMPLETION);
        assertThat(shown(transcript, llama(" A"), llama(" B"))).isEqualTo(llama(" A") + llama(" B"));

        assertThat(transcript.next(0)).isEqualTo(new Continuation.FromStart());
        assertThat(shown(transcript, llama("second", " A", ""))).isEmpty();
        assertThat(transcript.next(0)).isEqualTo(new Continuation.FromStart());
        assertThat(shown(transcript, llama("third", " A B ", ""))).isEqualTo(llama(" "));
        String end = usage(1, 3);
        assertThat(shown(transcript, llama("third", "C", end))).isEqualTo(llama("first", "C", end));
        assertThat(transcript.next(0)).isEqualTo(new Continuation.End("data: [DONE]\n\n"));
    }

    @Test
    void whoGeneratesOtherTextThanTheClientHasIsNotBelieved() {
        Transcript transcript = of(ApiKind.COMPLETIONS, COMPLETION);
        shown(transcript, llama(" A"), llama(" B"));
        transcript.next(0);
        shown(transcript, llama(" A"));

        assertThatThrownBy(() -> shown(transcript, llama(" X")))
                .isInstanceOf(FailureException.class)
                .hasMessageContaining("other text");
    }

    @Test
    void anotherGoesOnBehindTheTextBeforeTheLastWord() {
        Transcript transcript = behindText(ApiKind.COMPLETIONS, COMPLETION);
        shown(transcript, llama("B"), llama("C"), llama(" D"), llama("E"));

        assertThat(goesOnBehind(transcript)).isEqualTo("[prompt=\"aBC\", max_tokens=7]");
        assertThat(shown(transcript, llama("second", " D", ""))).isEmpty();
        assertThat(shown(transcript, llama("second", "E F", ""))).isEqualTo(llama(" F"));
        assertThat(goesOnBehind(transcript)).isEqualTo("[prompt=\"aBC\", max_tokens=7]");
        assertThat(shown(transcript, llama("third", " DE F", ""), llama("third", " G", "")))
                .isEqualTo(llama(" G"));
        assertThat(goesOnBehind(transcript)).isEqualTo("[prompt=\"aBC DE F\", max_tokens=6]");
        assertThat(shown(transcript, llama("third", " GH", usage(6, 2)))).isEqualTo(llama("first", "H", usage(3, 5)));
    }

    @Test
    void aChatGoesOnAsAnAnswerThatHasBegun() {
        String ask = "{\"messages\":[{\"role\":\"user\",\"content\":\"a\"}],\"stream\":true,\"temperature\":0}";
        Transcript transcript = behindText(ApiKind.CHAT, ask);
        shown(
                transcript,
                delta("{\"role\":\"assistant\",\"content\":\"\"}", "null").replace("[7,8]", "null"),
                delta("{\"content\":\"A \\\"\"}", "null").replace("[7,8]", "null"),
                delta("{\"content\":\" B\"}", "null").replace("[7,8]", "null"));

        assertThat(transcript.next(0)).isInstanceOfSatisfying(Continuation.Behind.class, behind -> {
            assertThat(behind.api()).isEqualTo(ApiKind.CHAT);
            assertThat(behind.edits().edits())
                    .containsExactly(
                            new Put(
                                    "messages",
                                    "[{\"role\":\"user\",\"content\":\"a\"},{\"role\":\"assistant\",\"content\":\"A \\\"\"}]"),
                            new Put("add_generation_prompt", "false"),
                            new Put("continue_final_message", "true"));
        });
    }

    @Test
    void behindHalfACharacterNobodyGoesOn() {
        Transcript transcript = behindText(ApiKind.COMPLETIONS, COMPLETION);
        shown(transcript, llama("\\ufffd"), llama(" D"));

        assertThat(transcript.next(0)).isEqualTo(new Continuation.FromStart());
    }

    @Test
    void whatAWorkerTellsIdsOfGoesOnBehindThemWhoeverBeganIt() {
        Transcript transcript = of(ApiKind.COMPLETIONS, COMPLETION);
        shown(transcript, llama(" A"), llama(" B"));
        transcript.next(0);
        shown(transcript, first(" A", "[1]"), piece(" B", "[2]"), piece(" C", "[3]"));

        assertThat(goesOnBehind(transcript)).isEqualTo("[prompt=[7,8,1,2,3], max_tokens=6]");
    }

    @Test
    void aLongTextIsNotKept() {
        Transcript transcript = of(ApiKind.COMPLETIONS, COMPLETION, 1);
        shown(transcript, llama("ABCD"), llama("E"), llama("F"));

        assertThat(impossible(transcript)).contains("too long");
    }

    @Test
    void whatAnotherThinksIsShownIfNobodyHasThought() {
        Transcript transcript = of(ApiKind.CHAT, CHAT);
        String thoughts = delta("{\"reasoning\":\"hm\"}", "[1]");
        String role = delta("{\"role\":\"assistant\",\"content\":\"\"}", "null");
        shown(transcript, role);
        transcript.next(0);

        assertThat(shown(transcript, role, thoughts))
                .contains("\"reasoning\":\"hm\"")
                .doesNotContain("role");
    }

    @Test
    void longAnswersAreNotKept() {
        Transcript transcript = of(ApiKind.COMPLETIONS, COMPLETION, 64);
        shown(transcript, first("A", "[" + "1,".repeat(64) + "1]"));

        assertThat(impossible(transcript)).contains("too long");
    }

    @Test
    void anEventThatReportsAFailureIsKeptBackAndWhatCameBeforeIsNot() {
        Transcript transcript = of(ApiKind.COMPLETIONS, COMPLETION);
        Flux<ByteBuf> shown = Flux.just(first("A", "[1]") + "data: {\"error\":{\"message\":\"x\"}}\n\n")
                .handle(transcript::pass);

        assertThat(shown.map(piece -> piece.toString(StandardCharsets.UTF_8))
                        .onErrorReturn("failed")
                        .collectList()
                        .block())
                .isEqualTo(List.of(piece("A", "null", "null", "null"), "failed"));
    }

    @Test
    void halfAnEventIsADeath() {
        Transcript transcript = of(ApiKind.COMPLETIONS, COMPLETION);

        assertThatThrownBy(() -> shown(transcript, "data: {\"id\":"))
                .isInstanceOf(FailureException.class)
                .hasMessageContaining("inside an event");
    }

    @Test
    void aCompleteTextOnlyNeedsItsEnd() {
        Transcript transcript = of(ApiKind.COMPLETIONS, COMPLETION);
        shown(transcript, first("A", "[1]"), piece("B", "null", "[2]", "\"stop\""));

        assertThat(transcript.next(0)).isEqualTo(new Continuation.End("data: [DONE]\n\n"));
        assertThat(transcript.complete()).isTrue();
    }

    @Test
    void theUsageOfACompleteTextIsKnown() {
        String ask = "{\"prompt\":\"a\",\"stream\":true,\"stream_options\":{\"include_usage\":true}}";
        Transcript transcript = of(ApiKind.COMPLETIONS, ask);
        shown(transcript, first("A", "[1]"), piece("B", "null", "[2]", "\"stop\""));

        assertThat(((Continuation.End) transcript.next(0)).events())
                .contains("\"usage\":{\"prompt_tokens\":2,\"total_tokens\":4,\"completion_tokens\":2}")
                .endsWith("data: [DONE]\n\n");
    }

    @Test
    void aChatGoesOnAsACompletionThatLooksLikeAChat() {
        Transcript transcript = of(ApiKind.CHAT, CHAT);
        shown(
                transcript,
                delta("{\"role\":\"assistant\",\"content\":\"\"}", "null"),
                delta("{\"content\":\"A\"}", "[1]"));

        Continuation.Behind next = (Continuation.Behind) transcript.next(10);
        assertThat(next.edits().edits())
                .contains(new Put("prompt", "[7,8,1]"), new Put("max_tokens", "7"), new Edit.Drop("messages"));
        assertThat(shown(transcript, piece("B", "[2]")))
                .isEqualTo("data: {\"id\":\"c\",\"object\":\"chat.completion.chunk\",\"created\":1,\"model\":\"m\","
                        + "\"choices\":[{\"index\":0,\"delta\":{\"content\":\"B\"},\"logprobs\":null,"
                        + "\"finish_reason\":null,\"token_ids\":null}]}\n\n");
        String usage =
                "data: {\"choices\":[],\"usage\":{\"prompt_tokens\":3,\"total_tokens\":5,\"completion_tokens\":2,"
                        + "\"prompt_tokens_details\":{\"cached_tokens\":3}}}\n\n";
        assertThat(shown(transcript, usage))
                .contains("\"prompt_tokens\":2,\"total_tokens\":5,\"completion_tokens\":3,", "\"cached_tokens\":2");
    }

    @Test
    void aChatOfWhichOnlyTheRoleHasComeBeginsAnew() {
        Transcript transcript = of(ApiKind.CHAT, CHAT);
        String role = delta("{\"role\":\"assistant\",\"content\":\"\"}", "null");
        shown(transcript, role);

        assertThat(transcript.next(0)).isEqualTo(new Continuation.FromStart());
        assertThat(shown(transcript, role)).isEmpty();
        assertThat(shown(transcript, delta("{\"content\":\"A\"}", "[1]"))).contains("\"content\":\"A\"");
    }

    @Test
    void thoughtsAreNotGoneOnWithButWhatFollowsThemIs() {
        Transcript transcript = of(ApiKind.CHAT, CHAT);
        shown(transcript, delta("{\"reasoning\":\"hm\"}", "[1]"));
        assertThat(impossible(transcript)).contains("exactly");

        shown(transcript, delta("{\"content\":\"A\"}", "[2]"));
        assertThat(transcript.next(10)).isInstanceOf(Continuation.Behind.class);
    }

    @Test
    void whatAnotherThinksAgainIsNeitherShownNorWaitedFor() {
        String ask = "{\"messages\":[{\"role\":\"user\",\"content\":\"a\"}],\"stream\":true,\"temperature\":0}";
        Transcript transcript = of(ApiKind.CHAT, ask);
        String thoughts = delta("{\"reasoning\":\"hm\"}", "null").replace("[7,8]", "null");
        String text = delta("{\"content\":\"A\"}", "null").replace("[7,8]", "null");
        shown(transcript, thoughts, text);

        assertThat(transcript.next(0)).isEqualTo(new Continuation.FromStart());
        assertThat(shown(transcript, thoughts)).isEmpty();
        assertThat(transcript.next(0)).isEqualTo(new Continuation.FromStart());
        assertThat(shown(transcript, thoughts, text, text)).isEqualTo(text);
    }

    @Test
    void eventsEndAtBlankLinesOfEitherKind() {
        Transcript transcript = of(ApiKind.COMPLETIONS, COMPLETION);
        String shown = shown(
                transcript,
                first("A", "[1]").replace("\n\n", "\n\r\n") + "\n" + piece("B", "[2]") + ": comment\n\n"
                        + "data: [DONE]\n\n");

        assertThat(shown)
                .isEqualTo(piece("A", "null", "null", "null").replace("\n\n", "\n\r\n") + "\n" + piece("B", "null")
                        + ": comment\n\ndata: [DONE]\n\n");
        assertThat(transcript.complete()).isTrue();
    }

    @Test
    void withoutALimitAndWithoutAContextNobodyKnowsHowFarToGo() {
        Transcript transcript = of(ApiKind.CHAT, CHAT);
        shown(transcript, delta("{\"content\":\"A\"}", "[1]"));

        assertThat(impossible(transcript)).contains("no room");
    }
}
