// SPDX-License-Identifier: Apache-2.0
package dev.tandem.gateway.it;

import static org.assertj.core.api.Assertions.assertThat;

import dev.tandem.gateway.it.RawClient.Answer;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.TestInstance.Lifecycle;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/** Started without any worker, the gateway answers every path from its embedded engines, and says that it does. */
@TestInstance(Lifecycle.PER_CLASS)
@Timeout(value = 90, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
@SuppressWarnings("StringConcatToTextBlock") // HTTP and event streams are read best as they are on the wire
final class EmbeddedIT {
    private GatewayRig rig;

    @BeforeAll
    void start() {
        rig = GatewayRig.setup()
                .set("tandem.simulator.prefill-port", "0")
                .set("tandem.simulator.decode-port", "0")
                .start();
    }

    @AfterAll
    void stop() {
        rig.close();
    }

    @AfterEach
    void nothingIsLeft() {
        rig.assertNothingLeft();
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "/v1/completions     | {'prompt':'hello','max_tokens':4}                                  | choices",
                "/v1/chat/completions| {'messages':[{'role':'user','content':'hi'}],'max_tokens':4}       | choices",
                "/v1/responses       | {'input':'hello','max_output_tokens':20}                           | output",
                "/v1/messages        | {'messages':[{'role':'user','content':'hi'}],'max_tokens':4}       | content",
                "/v1/embeddings      | {'input':'hello'}                                                  | data",
                "/v1/rerank          | {'query':'fox','documents':['a fox','a river']}                    | results",
                "/v1/score           | {'text_1':'fox','text_2':'a fox'}                                  | data",
                "/tokenize           | {'prompt':'hello there'}                                           | tokens",
                "/detokenize         | {'tokens':[1,2,3]}                                                 | prompt",
                "/generate           | {'prompt':'hello','max_tokens':4,'temperature':0}                  | text"
            })
    void everyApiAnswers(String path, String body, String field) throws IOException {
        String ask = body.replace('\'', '"').replaceFirst("\\{", "{\"model\":\"tandem-sim\",");

        Answer answer = RawClient.post(rig.port(), path, ask);

        assertThat(answer.status()).as(answer.toString()).isEqualTo(200);
        assertThat(answer.header("x-tandem-simulated")).isEqualTo("true");
        assertThat(json(answer).has(field)).as(answer.toString()).isTrue();
    }

    @Test
    void aRequestNeedsNoModel() throws IOException {
        Answer answer = RawClient.post(rig.port(), "/generate", "{\"prompt\":\"hello\"}");

        assertThat(answer.status()).as(answer.toString()).isEqualTo(200);
        assertThat(json(answer).path("model").asString()).isEqualTo("tandem-sim");
        assertThat(json(answer).path("workers").path("decode").asString()).startsWith("sim-");
    }

    @Test
    void aLongPromptIsHandedOverFromPrefillToDecode() throws IOException {
        String ask = "{\"model\":\"tandem-sim\",\"max_tokens\":8,\"prompt\":\"" + "some words ".repeat(400) + "\"}";

        Answer answer = RawClient.post(rig.port(), "/v1/completions", ask);

        assertThat(answer.status()).as(answer.toString()).isEqualTo(200);
        assertThat(answer.header("x-tandem-prefill")).isEqualTo("sim-prefill");
        assertThat(answer.header("x-tandem-decode")).isEqualTo("sim-decode");
        assertThat(Integer.parseInt(answer.header("x-tandem-cached-tokens"))).isPositive();
    }

    @Test
    void aChatStreams() throws IOException {
        Answer answer = RawClient.post(
                rig.port(),
                "/v1/chat/completions",
                "{\"model\":\"tandem-sim\",\"stream\":true,\"max_tokens\":8,"
                        + "\"messages\":[{\"role\":\"user\",\"content\":\"hi\"}]}");

        assertThat(answer.status()).isEqualTo(200);
        assertThat(answer.header("content-type")).startsWith("text/event-stream");
        assertThat(answer.text()).startsWith("data: {").endsWith("data: [DONE]\n\n");
        assertThat(answer.whole()).isTrue();
    }

    @Test
    void aTranscriptionAnswers() throws IOException {
        String multipart = "--b\r\ncontent-disposition: form-data; name=\"model\"\r\n\r\ntandem-sim\r\n--b\r\n"
                + "content-disposition: form-data; name=\"file\"; filename=\"a.wav\"\r\n"
                + "content-type: audio/wav\r\n\r\nRIFFxxxxWAVE\r\n--b--\r\n";
        Answer answer = RawClient.ask(
                rig.port(),
                "POST",
                "/v1/audio/transcriptions",
                multipart.getBytes(StandardCharsets.UTF_8),
                "content-type: multipart/form-data; boundary=b");

        assertThat(answer.status()).as(answer.toString()).isEqualTo(200);
        assertThat(json(answer).has("text")).isTrue();
    }

    @Test
    void modelsAndHealthTellThatItIsNoModel() throws IOException {
        assertThat(json(RawClient.get(rig.port(), "/v1/models"))
                        .path("data")
                        .path(0)
                        .path("id")
                        .asString())
                .isEqualTo("tandem-sim");
        JsonNode health = json(RawClient.get(rig.port(), "/healthz"));
        assertThat(health.path("simulated").asBoolean()).isTrue();
        assertThat(health.path("status").asString()).isEqualTo("ok");
        assertThat(health.path("workers")
                        .valueStream()
                        .map(worker -> worker.path("role").asString()))
                .containsExactlyInAnyOrder("prefill", "decode");
    }

    private static JsonNode json(Answer answer) {
        return JsonMapper.shared().readTree(answer.text());
    }
}
