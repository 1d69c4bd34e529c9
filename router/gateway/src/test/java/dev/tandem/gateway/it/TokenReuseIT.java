// SPDX-License-Identifier: Apache-2.0
package dev.tandem.gateway.it;

import static org.assertj.core.api.Assertions.assertThat;

import dev.tandem.core.fleet.Role;
import dev.tandem.gateway.it.RawClient.Answer;
import dev.tandem.simulator.http.EngineOptions;
import dev.tandem.simulator.http.SeenRequest;
import dev.tandem.simulator.http.SimulatedEngine;
import dev.tandem.simulator.nixl.NixlConfig;
import dev.tandem.simulator.transfer.KvRole;
import java.io.IOException;
import java.time.Duration;
import java.util.List;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.TestInstance.Lifecycle;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/** With {@code reuse-token-ids} the decode worker gets the tokens of a chat, and nobody else sees them. */
@TestInstance(Lifecycle.PER_CLASS)
@Timeout(value = 120, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
final class TokenReuseIT {
    private static final String CHAT = "/v1/chat/completions";
    private static final String GIVEN = "\"prompt_token_ids\":[";

    private SimulatedEngine prefill;
    private SimulatedEngine decode;
    private SimulatedEngine alone;
    private GatewayRig rig;

    @BeforeAll
    void start() {
        NixlConfig nixl =
                NixlConfig.of(KvRole.BOTH).withSideChannel("127.0.0.1", 0).withLease(Duration.ofSeconds(2));
        prefill = SimulatedEngine.start(EngineOptions.of("tiny", 0).withNixl(nixl));
        decode = SimulatedEngine.start(EngineOptions.of("tiny", 0).withNixl(nixl));
        alone = SimulatedEngine.start(EngineOptions.of("tiny", 0));
        rig = GatewayRig.setup()
                .worker("p1", prefill.baseUrl(), Role.PREFILL)
                .worker("d1", decode.baseUrl(), Role.DECODE)
                .set("tandem.disagg.connector", "nixl")
                .set("tandem.disagg.reuse-token-ids", "true")
                .set("tandem.disagg.min-prompt-tokens", "16")
                .start();
    }

    @AfterAll
    void stop() {
        List.of(prefill, decode, alone).forEach(SimulatedEngine::close);
        rig.close();
    }

    private static String ask(String more) {
        return "{\"messages\":[{\"role\":\"user\",\"content\":\"" + "chat word ".repeat(60)
                + "\"}],\"temperature\":0,\"max_tokens\":5" + more + "}";
    }

    private static JsonNode message(Answer answer) {
        assertThat(answer.status()).as("%s", answer).isEqualTo(200);
        return JsonMapper.shared().readTree(answer.text()).at("/choices/0/message");
    }

    private static String lastOf(SimulatedEngine engine, String path) {
        return engine.journal().requests(path).getLast().bodyText();
    }

    @ParameterizedTest
    @ValueSource(strings = {"", ",\"return_token_ids\":false", ",\"stream\":true"})
    void decodeGetsThemAndTheClientDoesNot(String more) throws IOException {
        Answer answer = RawClient.post(rig.port(), CHAT, ask(more));

        assertThat(answer.header("x-tandem-prefill")).as("%s", answer).isEqualTo("p1");
        assertThat(lastOf(decode, CHAT)).contains(GIVEN);
        assertThat(lastOf(prefill, CHAT)).contains("\"return_token_ids\":true");
        assertThat(answer.text()).doesNotContain(GIVEN);
        assertThat(violations()).isEmpty();
    }

    @Test
    void theAnswerIsThatOfOneEngineAndShowsThemToAClientThatAsks() throws IOException {
        Answer answer = RawClient.post(rig.port(), CHAT, ask(",\"return_token_ids\":true"));
        Answer whole = RawClient.post(alone.port(), CHAT, ask(",\"return_token_ids\":true"));

        assertThat(message(answer)).isEqualTo(message(whole));
        assertThat(JsonMapper.shared().readTree(answer.text()).get("prompt_token_ids"))
                .isEqualTo(JsonMapper.shared().readTree(whole.text()).get("prompt_token_ids"));
        assertThat(violations()).isEmpty();
    }

    @Test
    void completionsAreLeftAlone() throws IOException {
        String path = "/v1/completions";
        Answer answer =
                RawClient.post(rig.port(), path, "{\"prompt\":\"" + "some word ".repeat(60) + "\",\"max_tokens\":3}");

        assertThat(answer.header("x-tandem-prefill")).isEqualTo("p1");
        assertThat(lastOf(decode, path)).doesNotContain(GIVEN);
        assertThat(lastOf(prefill, path)).doesNotContain("return_token_ids");
        assertThat(violations()).isEmpty();
    }

    private List<SeenRequest> violations() {
        return List.of(prefill, decode).stream()
                .flatMap(engine -> engine.journal().violations().stream())
                .toList();
    }
}
