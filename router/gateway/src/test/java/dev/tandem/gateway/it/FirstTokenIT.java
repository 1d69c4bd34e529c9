// SPDX-License-Identifier: Apache-2.0
package dev.tandem.gateway.it;

import static org.assertj.core.api.Assertions.assertThat;

import dev.tandem.core.fleet.Role;
import dev.tandem.gateway.it.RawClient.Answer;
import dev.tandem.simulator.http.EngineOptions;
import dev.tandem.simulator.http.SimulatedEngine;
import dev.tandem.simulator.lmcache.PdConfig;
import dev.tandem.simulator.notice.Mishaps;
import java.io.IOException;
import java.util.List;
import java.util.regex.MatchResult;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/** Strict simulated engines with LMCache, whose prefill engine also generates the first token: nobody sees the seam. */
@Timeout(value = 120, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
final class FirstTokenIT {
    private static final String COMPLETIONS = "/v1/completions";
    private static final String CHATS = "/v1/chat/completions";
    private static final Pattern COUNT = Pattern.compile("\"(prompt|completion|total)_tokens\":\\d+");
    private static final String PROMPT = "\"model\":\"tiny\",\"temperature\":0,\"prompt\":\""
            + "the quick brown fox jumps over the lazy dog ".repeat(60) + "\"";
    private static final String CHAT =
            "{\"model\":\"tiny\",\"temperature\":0,\"max_tokens\":8,\"messages\":[{\"role\":\"user\",\"content\":\""
                    + "some words ".repeat(200) + "\"}]}";

    /** Two engines with LMCache behind the gateway, and one that serves alone. */
    private record Stack(SimulatedEngine prefill, SimulatedEngine decode, SimulatedEngine alone, GatewayRig rig)
            implements AutoCloseable {
        private static Stack start(String connector) {
            return start(connector, Mishaps.NONE);
        }

        /** Starts with what happens to notices on their way. */
        private static Stack start(String connector, Mishaps mishaps) {
            int port = FreePort.any();
            boolean notified = connector.equals("lmcache-pd-notified");
            SimulatedEngine decode = SimulatedEngine.start(engine(PdConfig.receiver()));
            PdConfig sender = PdConfig.sender("127.0.0.1:" + port);
            SimulatedEngine prefill =
                    SimulatedEngine.start(engine(notified ? sender : sender.withPort(decode.sideChannelPort()))
                            .withMishaps(mishaps));
            GatewayRig rig = GatewayRig.setup()
                    .worker("d1", decode.baseUrl(), Role.DECODE)
                    .set("tandem.workers[0].kv.port", Integer.toString(decode.sideChannelPort()))
                    .set("tandem.workers[0].kv.second-port", "7400")
                    .set("tandem.workers[0].kv.tensor-parallel-size", "2")
                    .worker("p1", prefill.baseUrl(), Role.PREFILL)
                    .set("tandem.disagg.connector", connector)
                    .set("tandem.handover.notifications.enabled", Boolean.toString(notified))
                    .set("tandem.handover.notifications.port", Integer.toString(port))
                    .start();
            return new Stack(prefill, decode, SimulatedEngine.start(EngineOptions.of("tiny", 0)), rig);
        }

        private static EngineOptions engine(PdConfig config) {
            return EngineOptions.of("tiny", 0).withConnector("LMCacheConnectorV1", config);
        }

        private Answer ask(String path, String json) throws IOException {
            Answer answer = RawClient.post(rig.port(), path, json);
            assertThat(answer.status()).as("%s", answer).isEqualTo(200);
            assertThat(answer.header("x-tandem-prefill")).isEqualTo("p1");
            return answer;
        }

        private Answer exact(String path, String json) throws IOException {
            return RawClient.post(alone.port(), path, json);
        }

        private String lastAsked() {
            return decode.journal().requests(COMPLETIONS).getLast().bodyText();
        }

        private void assertNothingLeft() {
            rig.assertNothingLeft();
            Poll.until("decode has fetched everything", () -> decode.fact("strandedBlocks") == 0);
            assertThat(prefill.journal().violations()).isEmpty();
            assertThat(decode.journal().violations()).isEmpty();
        }

        @Override
        public void close() {
            List.of(prefill, decode, alone).forEach(SimulatedEngine::close); // before the event loops
            rig.close();
        }
    }

    @ParameterizedTest
    @CsvSource({
        "lmcache-pd-first-token, false",
        "lmcache-pd-first-token, true",
        "lmcache-pd-notified, false",
        "lmcache-pd-notified, true"
    })
    void theAnswerIsThatOfOneEngine(String connector, boolean streaming) throws IOException {
        String options = streaming ? "\"stream\":true,\"stream_options\":{\"include_usage\":true}," : "";
        String ask = "{" + options + "\"max_tokens\":9," + PROMPT + "}";
        try (Stack stack = Stack.start(connector)) {
            Answer answer = stack.ask(COMPLETIONS, ask);
            Answer exact = stack.exact(COMPLETIONS, ask);

            assertThat(Streams.text(answer)).isNotEmpty().isEqualTo(Streams.text(exact));
            assertThat(counts(answer)).isEqualTo(counts(exact));
            assertThat(stack.lastAsked()).contains("\"max_tokens\":8", "\"prompt\":[");
            stack.assertNothingLeft();
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"lmcache-pd-first-token", "lmcache-pd-notified"})
    void whereTheSeamWouldShowDecodeAnswersFromTheStart(String connector) throws IOException {
        String stop = "{\"max_tokens\":9,\"stop\":[\"zzz\"]," + PROMPT + "}";
        try (Stack stack = Stack.start(connector)) {
            assertThat(content(stack.ask(CHATS, CHAT))).isEqualTo(content(stack.exact(CHATS, CHAT)));
            assertThat(Streams.text(stack.ask(COMPLETIONS, stop)))
                    .isNotEmpty()
                    .isEqualTo(Streams.text(stack.exact(COMPLETIONS, stop)));
            stack.assertNothingLeft();
        }
    }

    /** The decode engine has two ranks, and there is a notice for each. */
    @ParameterizedTest
    @CsvSource({"0, taken", "2, failed"})
    void decodeWaitsForEveryRank(int lose, String result) throws IOException {
        String ask = "{\"max_tokens\":9," + PROMPT + "}";
        try (Stack stack = Stack.start("lmcache-pd-notified", Mishaps.NONE.withLose(lose))) {
            assertThat(Streams.text(stack.ask(COMPLETIONS, ask)))
                    .isNotEmpty()
                    .isEqualTo(Streams.text(stack.exact(COMPLETIONS, ask)));

            assertThat(stack.rig().metric("tandem_handovers_total", "result=\"" + result + "\""))
                    .isOne();
            assertThat(stack.rig().metric("tandem_handovers_total")).isOne();
            stack.assertNothingLeft();
        }
    }

    private static String content(Answer answer) {
        JsonNode json = JsonMapper.shared().readTree(answer.text());
        return json.path("choices").path(0).path("message").path("content").asString("none");
    }

    /** Returns the numbers of the only usage object in an answer. */
    private static List<String> counts(Answer answer) {
        List<String> counts = COUNT.matcher(answer.text())
                .results()
                .map(MatchResult::group)
                .sorted()
                .toList();
        assertThat(counts).as("%s", answer).hasSize(3);
        return counts;
    }
}
