// SPDX-License-Identifier: Apache-2.0
package dev.tandem.gateway.it;

import static org.assertj.core.api.Assertions.assertThat;

import dev.tandem.core.fleet.Role;
import dev.tandem.gateway.it.RawClient.Answer;
import dev.tandem.gateway.it.RawEngine.Received;
import java.io.IOException;
import java.util.List;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.TestInstance.Lifecycle;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** The first token comes from prefill, on the wire: who is asked for what, and what follows when decode fails. */
@TestInstance(Lifecycle.PER_CLASS)
@Timeout(value = 90, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
final class FirstTokenFailureIT {
    private static final String PATH = "/v1/completions";
    private static final String PROMPT = "long prompt ".repeat(200);
    private static final String ASK = "{\"model\":\"tiny\",\"prompt\":\"" + PROMPT + "\",\"max_tokens\":5}";
    private static final String ASK_STREAM = ASK.replace("{\"model\"", "{\"stream\":true,\"model\"");
    private static final String TOKENS = "{\"count\":2,\"tokens\":[7, 8]}";
    private static final String FIRST =
            "{\"id\":\"cmpl-1\",\"object\":\"text_completion\",\"created\":1,\"model\":\"tiny\","
                    + "\"choices\":[{\"index\":0,\"text\":\"one\",\"finish_reason\":\"length\"}],"
                    + "\"kv_transfer_params\":{\"first_tok\":9}}";
    private static final String REST = "{\"id\":\"cmpl-1\",\"choices\":[{\"index\":0,\"text\":\" two\"}]}";

    private RawEngine prefill;
    private RawEngine decode;
    private GatewayRig rig;

    @BeforeAll
    void start() throws IOException {
        prefill = RawEngine.start("tiny");
        decode = RawEngine.start("tiny");
        rig = rig("lmcache-pd-first-token");
    }

    private GatewayRig rig(String connector) {
        return GatewayRig.setup()
                .worker("d1", decode.url(), Role.DECODE)
                .set("tandem.workers[0].kv.port", "7300")
                .set("tandem.workers[0].kv.second-port", "7400")
                .worker("p1", prefill.url(), Role.PREFILL)
                .set("tandem.disagg.connector", connector)
                .set("tandem.handover.notifications.enabled", "true")
                .set("tandem.handover.notifications.port", "0")
                .set("tandem.health.failures-down", "1000000")
                .set("tandem.health.probes-up", "1")
                .start();
    }

    @BeforeEach
    void serve() {
        prefill.on((request, wire) -> wire.json(200, request.path().equals("/tokenize") ? TOKENS : FIRST));
        decode.on((request, wire) -> wire.json(200, REST));
    }

    @AfterEach
    void nothingIsLeft() {
        rig.assertNothingLeft();
        prefill.clear();
        decode.clear();
    }

    @AfterAll
    void stop() throws IOException {
        rig.close();
        prefill.close();
        decode.close();
    }

    private Answer ask(String body) throws IOException {
        return RawClient.post(rig.port(), PATH, body);
    }

    private static List<String> texts(RawEngine engine) {
        return engine.received().stream().map(Received::text).toList();
    }

    @Test
    void theTokenizerSeesThePromptOnlyAndDecodeGoesOnBehindTheToken() throws IOException {
        assertThat(ask(ASK).text()).isEqualTo("{\"id\":\"cmpl-1\",\"choices\":[{\"index\":0,\"text\":\"one two\"}]}");

        assertThat(texts(prefill).getFirst()).isEqualTo("{\"model\":\"tiny\",\"prompt\":\"" + PROMPT + "\"}");
        assertThat(texts(prefill).getLast())
                .contains("\"prompt\":[7, 8]", "\"max_tokens\":1", "\"ret_first_tok\":true");
        assertThat(texts(decode)).containsExactly("{\"model\":\"tiny\",\"prompt\":[7, 8,9],\"max_tokens\":4}");
    }

    @ParameterizedTest
    @ValueSource(strings = {"no tokenizer", "no tokens", "the end", "no first token"})
    void whereNothingCanGoOnDecodeGetsTheRequestAsItCame(String why) throws IOException {
        prefill.on((request, wire) -> {
            boolean tokenizer = request.path().equals("/tokenize");
            switch (why) {
                case "no tokenizer" -> wire.json(tokenizer ? 404 : 200, tokenizer ? "{}" : FIRST);
                case "no tokens" -> wire.json(200, tokenizer ? "{\"tokens\":[]}" : FIRST);
                case "the end" -> wire.json(200, tokenizer ? TOKENS : FIRST.replace("length", "stop"));
                default -> wire.json(200, tokenizer ? TOKENS : FIRST.replace("first_tok", "other"));
            }
        });

        assertThat(ask(ASK).text()).isEqualTo(REST);

        assertThat(texts(decode)).containsExactly(ASK);
    }

    @ParameterizedTest
    @ValueSource(strings = {"500", "400", "reset", "half"})
    void decodeThatFailsBehindTheTokenBreaksTheStream(String fault) throws IOException {
        decode.on((request, wire) -> fail(fault, wire));

        Answer answer = ask(ASK_STREAM);

        assertThat(answer.status()).isEqualTo(200);
        assertThat(answer.text())
                .startsWith("data: {\"id\":\"cmpl-1\"")
                .contains("\"text\":\"one\"", "stream_interrupted")
                .doesNotContain("[DONE]");
    }

    private static void fail(String fault, RawEngine.Wire wire) throws IOException {
        switch (fault) {
            case "reset" -> wire.reset();
            case "half" -> {
                wire.stream();
                wire.chunk("data: {\"ch");
                wire.reset();
            }
            default -> wire.json(Integer.parseInt(fault), "{}");
        }
    }

    @Test
    void aClientThatLeavesBehindTheTokenHasDecodeTakeWhatWasSent() throws IOException {
        try (GatewayRig waiting = rig("lmcache-pd-notified")) {
            decode.clear();
            try (RawClient client = RawClient.open(waiting.port())) {
                client.send(PATH, ASK_STREAM).head();
                assertThat(client.event()).contains("\"text\":\"one\"");
                assertThat(decode.received()).isEmpty(); // it waits for a notice that never comes
            }

            Poll.until("decode has run", () -> decode.received().size() == 1);
            assertThat(texts(decode).getFirst()).contains("\"max_tokens\":1");
            Poll.until("decode is drained", () -> waiting.metric("tandem_handovers_total", "result=\"drained\"") == 1);
            waiting.assertNothingLeft();
        }
    }
}
