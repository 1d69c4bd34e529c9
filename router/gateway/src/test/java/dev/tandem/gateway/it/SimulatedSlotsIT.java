// SPDX-License-Identifier: Apache-2.0
package dev.tandem.gateway.it;

import static org.assertj.core.api.Assertions.assertThat;

import dev.tandem.core.fleet.Role;
import dev.tandem.gateway.it.RawClient.Answer;
import dev.tandem.simulator.llama.LlamaOptions;
import dev.tandem.simulator.llama.SimulatedLlamaServer;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.TestInstance.Lifecycle;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/** A strict simulated pair of llama-servers behind the gateway, found by {@code auto}: slots move, texts do not mix. */
@TestInstance(Lifecycle.PER_CLASS)
@Timeout(value = 120, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
final class SimulatedSlotsIT {
    private static final int SLOTS = 4;
    private static final String COMPLETIONS = "/v1/completions";

    @TempDir
    private static Path folder;

    private SimulatedLlamaServer prefill;
    private SimulatedLlamaServer decode;
    private SimulatedLlamaServer alone;
    private GatewayRig rig;

    @BeforeAll
    void start() {
        prefill = SimulatedLlamaServer.start(LlamaOptions.of("tiny", folder).withSlots(SLOTS, SLOTS * 2048));
        decode = SimulatedLlamaServer.start(LlamaOptions.of("tiny", folder).withSlots(SLOTS, SLOTS * 2048));
        alone = SimulatedLlamaServer.start(LlamaOptions.of("tiny", folder).withSlots(SLOTS, SLOTS * 2048));
        rig = GatewayRig.setup()
                .worker("p1", prefill.baseUrl(), Role.PREFILL)
                .worker("d1", decode.baseUrl(), Role.DECODE)
                .set("tandem.disagg.connector", "auto")
                .set("tandem.admission.max-running", Integer.toString(SLOTS))
                .start();
    }

    @AfterAll
    void stop() {
        List.of(prefill, decode, alone).forEach(SimulatedLlamaServer::close);
        rig.close();
    }

    private static String ask(int number) {
        return "{\"model\":\"tiny\",\"temperature\":0,\"max_tokens\":8,\"prompt\":\"request " + number
                + " with a prompt of many words".repeat(60) + "\"}";
    }

    private static JsonNode json(Answer answer) {
        return JsonMapper.shared().readTree(answer.text());
    }

    @Test
    void aHundredRequestsOverFourSlotsAreNotMixedUp() throws Exception {
        try (ExecutorService clients = Executors.newFixedThreadPool(2 * SLOTS)) {
            List<Future<Answer>> answers = new ArrayList<>();
            for (int i = 0; i < 100; i++) {
                String ask = ask(i);
                answers.add(clients.submit(() -> RawClient.post(rig.port(), COMPLETIONS, ask)));
            }
            for (int i = 0; i < 100; i++) {
                Answer answer = answers.get(i).get();
                assertThat(answer.status()).as("%s", answer).isEqualTo(200);
                assertThat(json(answer).path("choices").path(0).path("text"))
                        .isEqualTo(json(RawClient.post(alone.port(), COMPLETIONS, ask(i)))
                                .path("choices")
                                .path(0)
                                .path("text"));
                assertThat(answer.header("x-tandem-prefill")).isEqualTo("p1");
                assertThat(json(answer).path("timings").path("prompt_n").asInt(99))
                        .as("prompt tokens that decode evaluated, request %d", i)
                        .isLessThanOrEqualTo(2);
            }
        }
        rig.assertNothingLeft();
        assertThat(prefill.journal().violations()).isEmpty();
        assertThat(decode.journal().violations()).isEmpty();
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "/v1/chat/completions {\"max_tokens\":4,\"messages\":[{\"role\":\"user\",\"content\":\"PROMPT\"}]}",
                "/v1/responses {\"max_output_tokens\":4,\"input\":\"PROMPT\"}"
            })
    void otherApisAreHandedOverToo(String request) throws IOException {
        double before = rig.metric("tandem_handovers_total", "result=\"taken\"");
        int blank = request.indexOf(' ');
        String body =
                "{\"model\":\"tiny\"," + request.substring(blank + 2).replace("PROMPT", "many words ".repeat(120));

        Answer answer = RawClient.post(rig.port(), request.substring(0, blank), body);

        assertThat(answer.status()).as("%s", answer).isEqualTo(200);
        assertThat(rig.metric("tandem_handovers_total", "result=\"taken\"")).isEqualTo(before + 1);
    }
}
