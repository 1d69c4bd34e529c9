// SPDX-License-Identifier: Apache-2.0
package dev.tandem.bench.handover;

import static org.assertj.core.api.Assertions.assertThat;

import dev.tandem.simulator.text.Tokenizer;
import java.nio.charset.StandardCharsets;
import org.junit.jupiter.api.Test;

class AskTest {
    @Test
    void isFoundInBothBodies() {
        Ask ask = new Ask(1_234_567, "nixl");
        assertThat(Ask.numberIn(ask.body().toString())).isEqualTo(1_234_567);
        int[] tokens = Tokenizer.TOY.encode(ask.body().get("prompt").asString());
        String continued = "{\"prompt\":" + java.util.Arrays.toString(tokens).replace(" ", "") + ",\"model\":\"x\"}";
        assertThat(Ask.numberIn(continued)).isEqualTo(1_234_567);
        assertThat(Ask.numberIn("{\"prompt\":\"something else\"}")).isEqualTo(-1);
        assertThat(Ask.numberIn("{\"prompt\":[1,2]}")).isEqualTo(-1);
    }

    @Test
    void everyPromptHasItsOwnBeginningAndTheSameLength() {
        String one = new Ask(1, "nixl").body().get("prompt").asString();
        String other = new Ask(10_000, "nixl").body().get("prompt").asString();
        assertThat(one).hasSameSizeAs(other).isNotEqualTo(other);
        assertThat(one.substring(0, 16)).isNotEqualTo(other.substring(0, 16));
        assertThat(Ask.promptTokens()).isBetween(512, 1_024);
    }

    @Test
    void theRequestHasTheLengthThatItNames() {
        String text = new String(new Ask(1, "nixl").request(), StandardCharsets.UTF_8);
        String body = text.substring(text.indexOf("\r\n\r\n") + 4);
        assertThat(text).contains("Content-Length: " + body.length() + "\r\n");
    }

    @Test
    void noticesKeepTheFirstTokenWithDecode() {
        assertThat(new Ask(1, Pool.NOTIFIED).body().has("stop")).isTrue();
        assertThat(new Ask(1, Pool.FIRST_TOKEN).body().has("stop")).isFalse();
    }
}
