// SPDX-License-Identifier: Apache-2.0
package dev.tandem.gateway.it;

import static org.assertj.core.api.Assertions.assertThat;

import dev.tandem.core.fleet.Fleet;
import dev.tandem.core.fleet.Role;
import dev.tandem.gateway.it.RawClient.Answer;
import dev.tandem.simulator.http.EngineOptions;
import dev.tandem.simulator.http.SimulatedEngine;
import dev.tandem.simulator.nixl.NixlConfig;
import dev.tandem.simulator.sglang.SglangConfig;
import dev.tandem.simulator.sglang.SglangConfig.Mode;
import dev.tandem.simulator.transfer.KvRole;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Pairs of which the gateway is told nothing but the URLs: it finds protocol and addresses out. */
@Timeout(value = 90, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
final class FoundProtocolIT {
    private final List<AutoCloseable> open = new ArrayList<>();

    @AfterEach
    void stop() throws Exception {
        for (AutoCloseable each : open) { // engines before the event loops, which go with the gateway
            each.close();
        }
    }

    @Test
    void sglangTellsAllThatItsConnectorNeeds() throws IOException {
        handsOver(
                "sglang",
                base().withConnector(
                                SglangConfig.NAME, SglangConfig.of(Mode.PREFILL).withBootstrap("127.0.0.1", 0)),
                base().withConnector(
                                SglangConfig.NAME, SglangConfig.of(Mode.DECODE).withBootstrap("127.0.0.1", 0)));
    }

    @Test
    void nixlsPrefillAnswerTellsThatItPushesAndWhereItIs() throws IOException {
        handsOver("nixl-push", pushing(KvRole.PRODUCER), pushing(KvRole.CONSUMER));
    }

    @Test
    void nixlsPrefillAnswerTellsThatDecodePulls() throws IOException {
        handsOver("nixl", pulling(KvRole.PRODUCER), pulling(KvRole.CONSUMER));
    }

    private static EngineOptions base() {
        return EngineOptions.of("tiny", 0);
    }

    private static EngineOptions pulling(KvRole role) {
        return base().withNixl(NixlConfig.of(role).withSideChannel("127.0.0.1", 0));
    }

    private static EngineOptions pushing(KvRole role) {
        return base().withConnector(
                        "NixlPushConnector",
                        NixlConfig.of(role).withMode(NixlConfig.Mode.PUSH).withSideChannel("127.0.0.1", 0));
    }

    private void handsOver(String connector, EngineOptions prefillOptions, EngineOptions decodeOptions)
            throws IOException {
        SimulatedEngine prefill = opened(SimulatedEngine.start(prefillOptions));
        SimulatedEngine decode = opened(SimulatedEngine.start(decodeOptions));
        GatewayRig rig = opened(GatewayRig.setup()
                .worker("p1", prefill.baseUrl(), Role.PREFILL)
                .worker("d1", decode.baseUrl(), Role.DECODE)
                .set("tandem.disagg.connector", "auto")
                .set("tandem.disagg.min-prompt-tokens", "16")
                .start());
        Poll.until(
                () -> "facts: " + rig.bean(Fleet.class).statuses(),
                () -> rig.bean(Fleet.class).statuses().stream()
                        .allMatch(status -> connector.equals(status.facts().connector())));

        Answer answer = RawClient.post(
                rig.port(),
                "/v1/completions",
                "{\"model\":\"tiny\",\"max_tokens\":3,\"prompt\":\"" + "word ".repeat(100) + "\"}");

        assertThat(answer.status()).as("%s", answer).isEqualTo(200);
        assertThat(answer.header("x-tandem-prefill")).isEqualTo("p1");
        assertThat(rig.metric("tandem_handovers_total", "connector=\"" + connector + "\"", "result=\"taken\""))
                .isEqualTo(1);
        assertThat(prefill.journal().violations()).isEmpty();
        assertThat(decode.journal().violations()).isEmpty();
        rig.assertNothingLeft();
    }

    private <T extends AutoCloseable> T opened(T resource) {
        open.add(resource);
        return resource;
    }
}
