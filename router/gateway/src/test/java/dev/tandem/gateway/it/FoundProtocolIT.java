// SPDX-License-Identifier: Apache-2.0
package dev.tandem.gateway.it;

import static org.assertj.core.api.Assertions.assertThat;

import dev.tandem.core.fleet.Fleet;
import dev.tandem.core.fleet.Role;
import dev.tandem.gateway.it.RawClient.Answer;
import dev.tandem.simulator.http.EngineOptions;
import dev.tandem.simulator.http.SimulatedEngine;
import dev.tandem.simulator.sglang.SglangConfig;
import dev.tandem.simulator.sglang.SglangConfig.Mode;
import java.io.IOException;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** A pair of SGLang of which the gateway is told nothing but the URLs: it finds protocol and bootstrap port out. */
@Timeout(value = 90, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
final class FoundProtocolIT {
    private final SimulatedEngine prefill = engine(Mode.PREFILL);
    private final SimulatedEngine decode = engine(Mode.DECODE);
    private final GatewayRig rig = GatewayRig.setup()
            .worker("p1", prefill.baseUrl(), Role.PREFILL)
            .worker("d1", decode.baseUrl(), Role.DECODE)
            .set("tandem.disagg.connector", "auto")
            .set("tandem.disagg.min-prompt-tokens", "16")
            .start();

    private static SimulatedEngine engine(Mode mode) {
        return SimulatedEngine.start(EngineOptions.of("tiny", 0)
                .withConnector(SglangConfig.NAME, SglangConfig.of(mode).withBootstrap("127.0.0.1", 0)));
    }

    @AfterEach
    void stop() {
        List.of(prefill, decode).forEach(SimulatedEngine::close); // before the event loops, which go with the gateway
        rig.close();
    }

    @Test
    void sglangTellsAllThatItsConnectorNeeds() throws IOException {
        Answer answer = RawClient.post(
                rig.port(),
                "/v1/completions",
                "{\"model\":\"tiny\",\"max_tokens\":3,\"prompt\":\"" + "word ".repeat(100) + "\"}");

        assertThat(answer.status()).as("%s", answer).isEqualTo(200);
        assertThat(answer.header("x-tandem-prefill")).isEqualTo("p1");
        assertThat(rig.metric("tandem_handovers_total", "connector=\"sglang\"", "result=\"taken\""))
                .isEqualTo(1);
        assertThat(rig.bean(Fleet.class).statuses())
                .allSatisfy(status -> assertThat(status.facts().connector()).isEqualTo("sglang"));
        assertThat(prefill.journal().violations()).isEmpty();
        assertThat(decode.journal().violations()).isEmpty();
        rig.assertNothingLeft();
    }
}
