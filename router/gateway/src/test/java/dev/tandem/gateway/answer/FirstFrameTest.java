// SPDX-License-Identifier: Apache-2.0
package dev.tandem.gateway.answer;

import static org.assertj.core.api.Assertions.assertThat;

import dev.tandem.gateway.answer.FirstFrame.Verdict;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import java.nio.charset.StandardCharsets;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class FirstFrameTest {
    private static Verdict judge(String stream, int piece) {
        FirstFrame frame = new FirstFrame();
        Verdict verdict = Verdict.UNKNOWN;
        byte[] bytes = stream.getBytes(StandardCharsets.UTF_8);
        for (int from = 0; from < bytes.length && verdict == Verdict.UNKNOWN; from += piece) {
            ByteBuf part = Unpooled.wrappedBuffer(bytes, from, Math.min(piece, bytes.length - from));
            verdict = frame.accept(part);
        }
        return verdict;
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "data: {\"error\": {\"message\": \"Internal server error\", \"code\": 500}}\n\n",
                "data: {\"error\":{\"message\":\"x\"}}\n\ndata: [DONE]\n\n",
                "event: error\ndata: {}\n\n",
                "data: {\"choices\":[{\"text\":\"\",\"finish_reason\":\"stop\",\"stop_reason\":\"recomputed\"}]}\n\n"
            })
    void anErrorIsSeenHoweverItIsCut(String stream) {
        for (int piece = 1; piece <= stream.length(); piece++) {
            assertThat(judge(stream, piece)).isEqualTo(Verdict.FAILED);
        }
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "data: {\"id\":\"cmpl-1\",\"choices\":[]}\n\n",
                "event: message_start\ndata: {}\n\n",
                ": ping\n\n",
                ": ping\r\n\r\n",
                "data: [DONE]\n\n",
                "\ndata: {}\n\n",
                "\ufeffid: 1\ndata: {}\n\n",
                "{\"id\":\"cmpl-1\",\n\n\"choices\":[]}",
                "data: {\"error\": {\"message\": \"too long\", \"code\": 400}}\n\n"
            })
    void anythingElseGoesToTheClient(String stream) {
        for (int piece = 1; piece <= stream.length(); piece++) {
            assertThat(judge(stream, piece)).isEqualTo(Verdict.BEGUN);
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"<html><body>\n\n", "upstream is ill\r\n\r\n", "dat: {}\n\n"})
    void whatIsNoStreamHasFailed(String page) {
        for (int piece = 1; piece <= page.length(); piece++) {
            assertThat(judge(page, piece)).isEqualTo(Verdict.FAILED);
        }
        assertThat(judge("<p>".repeat(4096), 4096)).isEqualTo(Verdict.FAILED);
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "d",
                "data: {\"err",
                "data: {\"error\": {\"message\": \"x\"}}\n",
                "data: {\"id\":\"cmpl-1\"}\n",
                ": ping\r\n"
            })
    void tooLittleIsNotJudged(String stream) {
        assertThat(judge(stream, 1)).isEqualTo(Verdict.UNKNOWN);
    }
}
