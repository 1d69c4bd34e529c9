// SPDX-License-Identifier: Apache-2.0
package dev.tandem.gateway.answer;

import static org.assertj.core.api.Assertions.assertThat;

import dev.tandem.core.request.ApiKind;
import io.netty.buffer.Unpooled;
import java.nio.charset.StandardCharsets;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class AnswerTapTest {
    private static final String STREAM = "data: {\"choices\":[{\"text\":\"漢\"}]}\n\n".repeat(300)
            + "data: {\"choices\":[],\"usage\":{\"prompt_tokens\":300,\"total_tokens\":310,\"completion_tokens\":10,"
            + "\"prompt_tokens_details\":{\"cached_tokens\":256,\"created_cache_tokens\":null}}}\n\n"
            + "data: [DONE]\n\n";

    @ParameterizedTest
    @ValueSource(ints = {1, 3, 100, 4095, 4096, 4097, 100_000})
    void readsUsageAndEndHoweverTheStreamIsCut(int piece) {
        AnswerTap tap = tapped(STREAM, piece);

        assertThat(tap.usage()).isEqualTo(new UsageReport(300, 256, 10));
        assertThat(tap.complete(ApiKind.CHAT)).isTrue();
        assertThat(tap.endsWithDone()).isTrue();
        assertThat(tap.bytes()).isEqualTo(STREAM.getBytes(StandardCharsets.UTF_8).length);
    }

    @Test
    void aStreamWithoutItsEndIsNotComplete() {
        AnswerTap tap = tapped(STREAM.replace("data: [DONE]\n\n", ""), 64);

        assertThat(tap.complete(ApiKind.COMPLETIONS)).isFalse();
        assertThat(tap.failedByEngine(ApiKind.COMPLETIONS)).isFalse();
        assertThat(tap.endsWithDone()).isFalse();
        assertThat(new AnswerTap().endsWithDone()).isFalse();
    }

    @ParameterizedTest
    @CsvSource({"CHAT,data: [DONE]", "MESSAGES,event: message_stop", "RESPONSES,event: response.completed"})
    void aModelThatWritesOfTheEndHasNotReachedIt(ApiKind api, String marker) {
        String event = "data: {\"text\":\"" + marker + "\"}\n\n";

        assertThat(tapped(event, 5).complete(api)).isFalse();
        for (int shift = 0; shift < 64; shift++) { // wherever the tail of the answer begins
            String before = "data: {\"text\":\"" + " ".repeat(shift);
            assertThat(tapped(before + (marker + "\\n").repeat(500) + "\"}\n\n", 1000)
                            .complete(api))
                    .isFalse();
        }
    }

    @Test
    void anErrorEventBeforeTheEndIsNotACompleteStream() {
        AnswerTap tap = tapped("data: {\"error\": {\"message\": \"x\", \"code\": 500}}\n\ndata: [DONE]\n\n", 7);

        assertThat(tap.complete(ApiKind.COMPLETIONS)).isFalse();
        assertThat(tap.failedByEngine(ApiKind.COMPLETIONS)).isTrue();
    }

    @Test
    void knowsWhetherAnEventWasCutInHalf() {
        assertThat(tapped(STREAM, 1000).insideEvent()).isFalse();
        assertThat(tapped("data: {}\r\n\r\n", 1).insideEvent()).isFalse();
        assertThat(tapped(STREAM + "data: {\"cho", 7).insideEvent()).isTrue();
        assertThat(tapped("data: {}\n", 7).insideEvent()).isTrue();
        assertThat(new AnswerTap().insideEvent()).isFalse();
    }

    @Test
    void knowsTheEndsOfOtherApis() {
        assertThat(tapped("event: message_stop\ndata: {\"type\":\"message_stop\"}\n\n", 5)
                        .complete(ApiKind.MESSAGES))
                .isTrue();
        assertThat(tapped("event: response.completed\ndata: {}\n\n", 5).complete(ApiKind.RESPONSES))
                .isTrue();
        assertThat(tapped("data: [DONE]\n\n", 5).complete(ApiKind.RESPONSES)).isFalse();
    }

    @ParameterizedTest
    @CsvSource({"MESSAGES,error", "RESPONSES,error", "RESPONSES,response.failed"})
    void knowsTheErrorsOfOtherApis(ApiKind api, String event) {
        AnswerTap tap = tapped("event: " + event + "\ndata: {\"type\":\"x\"}\n\n", 5);

        assertThat(tap.failedByEngine(api)).isTrue();
        assertThat(tap.complete(api)).isFalse();
        assertThat(tapped("data: {\"text\":\"event: " + event + "\\n\"}\n\n", 5).failedByEngine(api))
                .isFalse();
    }

    @Test
    void readsUsageOfAnthropicAndResponses() {
        String json = "{\"usage\":{\"input_tokens\":7,\"output_tokens\":2,\"cache_read_input_tokens\":3}}";

        assertThat(tapped(json, 100).usage()).isEqualTo(new UsageReport(7, 3, 2));
    }

    @ParameterizedTest
    @ValueSource(strings = {"", "{\"usage\":null}", "{\"usage\":", "{\"usage\":{\"prompt_tokens\":", "no json"})
    void whatTheEngineDoesNotSayIsUnknown(String text) {
        assertThat(tapped(text, 100).usage()).isEqualTo(UsageReport.NONE);
    }

    private static AnswerTap tapped(String text, int piece) {
        AnswerTap tap = new AnswerTap();
        byte[] bytes = text.getBytes(StandardCharsets.UTF_8);
        for (int at = 0; at < bytes.length; at += piece) {
            tap.accept(Unpooled.wrappedBuffer(bytes, at, Math.min(piece, bytes.length - at)));
        }
        return tap;
    }
}
