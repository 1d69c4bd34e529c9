// SPDX-License-Identifier: Apache-2.0
package dev.tandem.gateway.it;

import static org.assertj.core.api.Assertions.assertThat;

import dev.tandem.core.fleet.Role;
import dev.tandem.gateway.it.RawClient.Answer;
import dev.tandem.simulator.http.EngineOptions;
import dev.tandem.simulator.http.SimulatedEngine;
import java.io.IOException;
import java.net.URI;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** Simulated engines with LMCache tell the gateway when a KV cache is stored, and decode waits for it. */
@Timeout(value = 120, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
final class TelemetryIT {
    private static final String ASK =
            "{\"model\":\"tiny\",\"max_tokens\":4,\"prompt\":\"" + "some words ".repeat(400) + "\"}";

    @TempDir
    private Path store;

    private SimulatedEngine prefill;
    private SimulatedEngine decode;
    private GatewayRig rig;

    @BeforeEach
    void start() throws IOException {
        int port = FreePort.any();
        URI telemetry = URI.create("http://127.0.0.1:" + port + "/api/v1/telemetry");
        EngineOptions options = EngineOptions.of("tiny", 0).withLmcacheMp(store, telemetry);
        prefill = SimulatedEngine.start(options.withTensorParallel(2));
        decode = SimulatedEngine.start(options);
        rig = GatewayRig.setup()
                .worker("p1", prefill.baseUrl(), Role.PREFILL)
                .worker("d1", decode.baseUrl(), Role.DECODE)
                .set("tandem.disagg.connector", "lmcache-mp")
                .set("tandem.handover.http.enabled", "true")
                .set("tandem.handover.http.port", Integer.toString(port))
                .start();
    }

    @AfterEach
    void stop() {
        rig.assertNothingLeft();
        List.of(prefill, decode).forEach(SimulatedEngine::close);
        rig.close();
    }

    @Test
    void everyRankOfPrefillIsHeardBeforeDecodeStarts() throws IOException {
        Answer answer = RawClient.post(rig.port(), "/v1/completions", ASK);

        assertThat(answer.status()).as(answer.toString()).isEqualTo(200);
        assertThat(answer.header("x-tandem-prefill")).isEqualTo("p1");
        assertThat(rig.metric("tandem_engine_messages_total", "notice", "accepted"))
                .isEqualTo(2);
    }
}
