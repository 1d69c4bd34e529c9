// SPDX-License-Identifier: Apache-2.0
package dev.tandem.gateway.it;

import static org.assertj.core.api.Assertions.assertThat;

import dev.tandem.core.fleet.Role;
import dev.tandem.gateway.it.RawClient.Answer;
import io.netty.util.internal.PlatformDependent;
import java.io.IOException;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import tools.jackson.databind.json.JsonMapper;

/** A gateway whose buffers have taken what they may lets no further request begin, and serves what it has. */
@Timeout(value = 90, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
final class DirectMemoryIT {
    private static final double SHARE = 0.001;
    private static final int HELD = (int) (SHARE * PlatformDependent.maxDirectMemory()) + 1;
    private static final String ASK = "{\"model\":\"tiny\",\"prompt\":\"four\"}";
    private static final String BODY = ASK.replace("four", "x".repeat(HELD));

    private RawEngine engine;
    private GatewayRig rig;

    @BeforeEach
    void start() throws IOException {
        engine = RawEngine.start("tiny");
        engine.on((request, wire) -> wire.json(200, "{}"));
        rig = GatewayRig.setup()
                .worker("w1", engine.url(), Role.UNIFIED)
                .set("tandem.body.max-size", 2L * HELD + "B")
                .set("tandem.body.max-in-flight", 2L * HELD + "B")
                .set("tandem.admission.max-direct-memory", Double.toString(SHARE))
                .start();
    }

    @AfterEach
    void stop() throws IOException {
        rig.assertNothingLeft();
        rig.close();
        engine.close();
    }

    @Test
    void aRequestIsRefusedWhileAnotherOneHoldsTheMemory() throws IOException {
        try (RawClient client = RawClient.open(rig.port())) {
            client.write(
                    "POST /v1/completions HTTP/1.1\r\nhost: g\r\ncontent-type: application/json\r\ncontent-length: "
                            + BODY.length() + "\r\n\r\n" + BODY.substring(0, HELD));
            Poll.until("held", () -> rig.metric("tandem_edge_bodies_bytes") == HELD);

            Answer refused = RawClient.post(rig.port(), "/v1/completions", ASK);

            assertThat(refused.status()).as(refused.toString()).isEqualTo(503);
            assertThat(refused.header("retry-after")).isNotEmpty();
            assertThat(JsonMapper.shared()
                            .readTree(refused.text())
                            .path("error")
                            .path("code")
                            .asString())
                    .isEqualTo("overloaded");
            assertThat(rig.metric("tandem_edge_rejected_total", "reason=\"direct_memory\""))
                    .isEqualTo(1);
            assertThat(client.write(BODY.substring(HELD)).read().status()).isEqualTo(200);
        }
        Poll.until("given back", () -> rig.metric("tandem_edge_bodies_bytes") == 0);

        assertThat(RawClient.post(rig.port(), "/v1/completions", ASK).status()).isEqualTo(200);
    }
}
