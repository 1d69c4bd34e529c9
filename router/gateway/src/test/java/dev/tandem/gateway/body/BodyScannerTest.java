// SPDX-License-Identifier: Apache-2.0
package dev.tandem.gateway.body;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.tandem.core.failure.Failure;
import dev.tandem.core.failure.FailureException;
import dev.tandem.core.request.ApiKind;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import java.nio.charset.StandardCharsets;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class BodyScannerTest {
    @Test
    void findsModelAndStream() {
        ScannedBody body = Bodies.scan("{ \"stream\" : true,\n\"model\":\"q\\u0077en\", \"prompt\":\"x\"}");

        assertThat(body.model()).isEqualTo("qwen");
        assertThat(body.streaming()).isTrue();
        assertThat(body.splittable(ApiKind.COMPLETIONS)).isTrue();
    }

    @Test
    void takesWhatIsMissingAsAbsent() {
        ScannedBody body = Bodies.scan("{}");

        assertThat(body.model()).isNull();
        assertThat(body.streaming()).isFalse();
        assertThat(body.promptTokens()).isZero();
    }

    @Test
    void fieldsInsideOtherFieldsDoNotCount() {
        ScannedBody body = Bodies.scan("{\"metadata\":{\"model\":\"other\",\"stream\":true},\"model\":null}");

        assertThat(body.model()).isNull();
        assertThat(body.streaming()).isFalse();
    }

    @ParameterizedTest
    @ValueSource(strings = {"[\"a\",\"b\"]", "[\"a\"]", "[[1,2],[3]]"})
    void severalPromptsAreNotSplit(String prompt) {
        assertThat(Bodies.scan("{\"prompt\":" + prompt + "}").splittable(ApiKind.COMPLETIONS))
                .isFalse();
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "\"n\":2",
                "\"n\":\"2\"",
                "\"n\":2.0",
                "\"best_of\":3",
                "\"use_beam_search\":\"yes\"",
                "\"use_beam_search\":true",
                "\"echo\":true,\"logprobs\":0",
                "\"logprobs\":false,\"echo\":1",
                "\"prompt_logprobs\":-1",
                "\"prompt_logprobs\":1.0",
                "\"prompt_logprobs\":\"1\"",
                "\"prompt_logprobs\":true",
                "\"prompt_logprobs\":9999999999",
                "\"prompt_logprobs\":0,\"stream\":true"
            })
    void whatNeedsTheWholePromptOnOneWorkerIsNotSplit(String field) {
        assertThat(Bodies.scan("{\"prompt\":\"a\"," + field + "}").splittable(ApiKind.COMPLETIONS))
                .isFalse();
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "\"n\":17",
                "\"best_of\":16384",
                "\"n\":17.0",
                "\"n\":1.7e1",
                "\"n\":\"17\"",
                "\"n\":\"1_7\"",
                "\"n\":\" 17 \"",
                "\"n\":\"00000000000000000000000000000000017\"",
                "\"n\":99999999999999999999"
            })
    void moreAnswersThanTheLimitAreRefused(String field) {
        assertThatThrownBy(() -> Bodies.scan("{\"prompt\":\"a\"," + field + "}"))
                .hasMessageContaining(": more than 16");
    }

    @ParameterizedTest
    @ValueSource(strings = {"\"n\":16", "\"best_of\":16.0", "\"n\":\"x\"", "\"n\":[17]", "\"n\":-1", "\"top_n\":17"})
    void whatIsNoLargeNumberOfAnswersIsLeftToTheEngine(String field) {
        assertThat(Bodies.scan("{\"prompt\":\"a\"," + field + "}").model()).isNull();
    }

    @Test
    void morePromptsThanTheLimitAreRefused() {
        String prompts = "\"a\",".repeat(64);
        assertThatThrownBy(() -> Bodies.scan("{\"prompt\":[" + prompts + "\"b\"]}"))
                .hasMessage("prompt: more than 64");
        assertThat(Bodies.scan("{\"prompt\":[" + prompts.substring(4) + "\"b\"]}")
                        .model())
                .isNull();
        assertThat(Bodies.scan("{\"prompt\":[" + "1,".repeat(500) + "2]}").model())
                .isNull();
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "\"messages\":[{},{},{},{}] | messages: more than 3",
                "\"tools\":[{\"a\":[1,2,3]},{},{}] | tools: more than 2",
                "\"stop\":[\"a\",\"b\",\"c\"] | stop: more than 2",
                "\"logit_bias\":{\"1\":1,\"2\":{},\"3\":1} | logit_bias: more than 2",
                "\"response_format\":{\"json_schema\":\"0123456789012345678901234\"} | response_format: more than 40 bytes",
                "\"guided_regex\":\"0123456789012345678901234567890123456789\" | guided_regex: more than 40 bytes"
            })
    void moreThanAnEngineCanTakeIsRefused(String field, String why) {
        assertThatThrownBy(() -> Bodies.scan("{" + field + "}"))
                .isInstanceOf(FailureException.class)
                .hasMessage(why);
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "\"messages\":[{},{},{}],\"tools\":[{},{}]",
                "\"stop\":[\"a\",\"b\"]",
                "\"stop\":\"abc\"",
                "\"stop\":null",
                "\"logit_bias\":{\"1\":[1,2,3],\"2\":{\"a\":1,\"b\":2,\"c\":3}}",
                "\"guided_regex\":\"01234567890123456789012345678901234567\"",
                "\"metadata\":{\"a\":1,\"b\":2,\"c\":\"0123456789012345678901234567890123456789\"}"
            })
    void asMuchAsTheLimitPasses(String field) {
        assertThat(Bodies.scan("{" + field + ",\"model\":\"m\"}").model()).isEqualTo("m");
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "\"n\":1",
                "\"n\":null",
                "\"best_of\":1",
                "\"echo\":null",
                "\"echo\":false",
                "\"prompt_logprobs\":null"
            })
    void defaultsThatAreSpelledOutAreSplit(String field) {
        assertThat(Bodies.scan("{\"prompt\":\"a\"," + field + "}").splittable(ApiKind.COMPLETIONS))
                .isTrue();
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "\"echo\":true",
                "\"echo\":true,\"logprobs\":null",
                "\"echo\":true,\"stream\":true",
                "\"echo\":true,\"prompt_logprobs\":0",
                "\"prompt_logprobs\":0",
                "\"prompt_logprobs\":20,\"logprobs\":3"
            })
    void whatIsKnownOfThePromptWithoutComputingItIsSplit(String field) {
        assertThat(Bodies.scan("{\"prompt\":\"a\"," + field + "}").splittable(ApiKind.COMPLETIONS))
                .isTrue();
    }

    @Test
    void anApiSplitsWhatItsAnswersTell() {
        ScannedBody logprobs = Bodies.scan("{\"messages\":[],\"prompt_logprobs\":1}");
        ScannedBody echo = Bodies.scan("{\"messages\":[],\"echo\":true}");

        assertThat(logprobs.splittable(ApiKind.CHAT)).isTrue();
        assertThat(logprobs.splittable(ApiKind.RESPONSES)).isFalse();
        assertThat(echo.splittable(ApiKind.CHAT))
                .as("it implies log-probabilities")
                .isFalse();
        assertThat(Bodies.scan("{}").splittable(ApiKind.EMBEDDINGS)).isFalse();
    }

    @Test
    void aLongPromptWithLogprobsIsLeftToOneWorker() {
        assertThat(ofPrompt(40_000, 1).splittable(ApiKind.COMPLETIONS)).isTrue();
        assertThat(ofPrompt(90_000, 1).splittable(ApiKind.COMPLETIONS)).isFalse();
        assertThat(ofPrompt(90_000, 0).splittable(ApiKind.COMPLETIONS)).isTrue();
        assertThat(ofPrompt(40_000, 999_999_999).splittable(ApiKind.COMPLETIONS))
                .isFalse();
    }

    private static ScannedBody ofPrompt(int bytes, int logprobs) {
        return Bodies.scan("{\"prompt\":\"" + "a".repeat(bytes) + "\",\"prompt_logprobs\":" + logprobs + "}");
    }

    @ParameterizedTest
    @ValueSource(ints = {64, 1_000_000})
    void anImageIsNotAMillionTokens(int piece) {
        String image = "data:image/png;base64," + "iVBORw0KGgo/".repeat(20_000);
        String json = "{\"messages\":[{\"role\":\"user\",\"content\":[{\"type\":\"image_url\",\"image_url\":{\"url\":\""
                + image + "\"}},{\"type\":\"text\",\"text\":\"" + "what is it; ".repeat(400) + "\"}]}]}";

        ScannedBody body = Bodies.SCANNER.scan(Bodies.inPieces(json, piece));

        assertThat(body.promptTokens()).isBetween(1_200, 1_300);
    }

    @ParameterizedTest
    @ValueSource(strings = {"data: an image;base64 is a lot of text, ", "see data:image/png;base64,", "data:,"})
    void aTextThatIsNoImageCountsWhole(String text) {
        String json = "{\"messages\":[{\"role\":\"user\",\"content\":[\"" + text.repeat(4_000) + "\"]}]}";

        assertThat(Bodies.scan(json).promptTokens()).isBetween(text.length() * 990, text.length() * 1_100);
    }

    @Test
    void tokenIdsAreOnePrompt() {
        assertThat(Bodies.scan("{\"prompt\":[1, 2, 3]}").splittable(ApiKind.COMPLETIONS))
                .isTrue();
    }

    @ParameterizedTest
    @ValueSource(ints = {1, 2, 3, 7, 4096, 8000, 8191})
    void knowsWhereFieldsLieHoweverTheBodyCame(int piece) {
        String filler = "\"filler\":\"" + "é漢🙂\\\"".repeat(2000) + "\"";
        String json = "{" + filler + ", \"n\" : 12.50 ,\"a\":[1,[2]],\"o\":{\"x\":[]},\"t\":true,\"z\":\"end\" }";
        RequestBody.Json body =
                Bodies.SCANNER.scan(Bodies.inPieces(json, piece)).body();
        byte[] bytes = json.getBytes(StandardCharsets.UTF_8);

        assertThat(value(body, bytes, "n")).isEqualTo("12.50");
        assertThat(value(body, bytes, "a")).isEqualTo("[1,[2]]");
        assertThat(value(body, bytes, "o")).isEqualTo("{\"x\":[]}");
        assertThat(value(body, bytes, "t")).isEqualTo("true");
        assertThat(value(body, bytes, "z")).isEqualTo("\"end\"");
        for (int i = 0; i < body.fields().count(); i++) {
            assertThat(bytes[body.fields().keyStart(i)]).isEqualTo((byte) '"');
        }
        body.release();
    }

    private static String value(RequestBody.Json body, byte[] bytes, String field) {
        int index = body.fields().indexOf(field);
        int start = body.fields().valueStart(index);
        return new String(bytes, start, body.fields().valueEnd(index) - start, StandardCharsets.UTF_8);
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "",
                "{",
                "{\"a\":1",
                "{\"a\":1}}",
                "{\"a\":1} {\"b\":2}",
                "{\"a\":}",
                "{'a':1}",
                "{\"a\":01}",
                "{\"a\":\"\u0001\"}",
                "{\"a\":NaN}",
                "{\"model\":\"a\",\"model\":\"b\"}",
                "\uFEFF{}"
            })
    void refusesWhatIsNotJson(String json) {
        ByteBuf buffer = Bodies.buffer(json);

        assertThatThrownBy(() -> Bodies.SCANNER.scan(buffer))
                .isInstanceOfSatisfying(
                        FailureException.class,
                        e -> assertThat(e.failure()).isIn(Failure.INVALID_JSON, Failure.INVALID_REQUEST));
        assertThat(buffer.refCnt()).as("still owned by the caller").isOne();
    }

    @Test
    void refusesOtherEncodings() {
        for (var charset : new java.nio.charset.Charset[] {
            StandardCharsets.UTF_16LE, StandardCharsets.UTF_16BE, StandardCharsets.UTF_16
        }) {
            ByteBuf buffer = Unpooled.wrappedBuffer("{\"model\":\"m\"}".getBytes(charset));
            assertThatThrownBy(() -> Bodies.SCANNER.scan(buffer)).isInstanceOf(FailureException.class);
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"{\"\uD83E\uDD8A\":1}", "{\"\uFF21\":1}", "{\"\u4F60\":1}"})
    void readsNamesThatBeginBeyondAscii(String json) {
        assertThat(Bodies.scan(json).body().fields().count()).isEqualTo(1);
    }

    @Test
    void refusesDepth() {
        String deep = "{\"a\":" + "[".repeat(100) + "]".repeat(100) + "}";

        assertThatThrownBy(() -> Bodies.scan(deep)).hasMessageContaining("too deep");
    }

    @Test
    void aFurtherMessageLeavesTheKeysOfTheOnesBeforeAlone() {
        ScannedBody one = Bodies.scan("{\"messages\":[{\"content\":\"short\"}]}");
        ScannedBody two = Bodies.scan("{\"messages\":[{\"content\":\"short\"},{\"content\":\"next\"}]}");

        assertThat(two.fingerprint().key(0)).isEqualTo(one.fingerprint().key(0));
        assertThat(two.fingerprint().key(1)).isNotEqualTo(one.fingerprint().key(1));
    }

    @Test
    void sharedConversationsShareTheirPrefix() {
        String history = "{\"role\":\"user\",\"content\":\"" + "long question ".repeat(100) + "\"}";
        ScannedBody one = Bodies.scan("{\"model\":\"m\",\"messages\":[" + history + "]}");
        ScannedBody two = Bodies.scan("{\"temperature\":0.5,\"model\":\"m\",\"messages\":[" + history
                + ",{\"role\":\"assistant\",\"content\":\"answer\"}]}");
        ScannedBody other = Bodies.scan("{\"model\":\"n\",\"messages\":[" + history + "]}");

        assertThat(two.fingerprint().key(4)).isEqualTo(one.fingerprint().key(4));
        assertThat(other.fingerprint().key(0)).isNotEqualTo(one.fingerprint().key(0));
    }
}
