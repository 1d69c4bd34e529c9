// SPDX-License-Identifier: Apache-2.0
package dev.tandem.gateway.it;

import static org.assertj.core.api.Assertions.assertThat;

import dev.tandem.core.fleet.Fleet;
import dev.tandem.core.fleet.Role;
import dev.tandem.gateway.it.RawClient.Answer;
import java.io.IOException;
import java.io.UncheckedIOException;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** A gateway that takes the place of another one is ready when it can serve, and not before. */
@Timeout(value = 90, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
final class GatewayRestartIT {
    private static final String TEXT = "{\"id\":\"cmpl-1\",\"choices\":[]}";

    @Test
    void theFirstRequestBehindReadinessIsServed() throws IOException {
        try (RawEngine prefill = RawEngine.start("tiny");
                RawEngine decode = RawEngine.start("tiny")) {
            prefill.on((request, wire) -> wire.json(200, TEXT));
            decode.on((request, wire) -> wire.json(200, TEXT));
            GatewayRig.Setup setup = GatewayRig.setup()
                    .worker("p", prefill.url(), Role.PREFILL)
                    .worker("d", decode.url(), Role.DECODE)
                    .set("tandem.workers[0].kv.port", "8998")
                    .set("tandem.disagg.connector", "sglang")
                    .set("server.port", Integer.toString(FreePort.any()));
            try (GatewayRig before = setup.start()) {
                assertServes(before);
            }
            decode.down();

            try (GatewayRig after = setup.launch()) {
                Poll.until("half the pair is up", () -> up(after) == 1);
                assertThat(readiness(after).text()).contains("not ready", "serve no request alone");
                assertThat(RawClient.get(after.managementPort(), "/readyz").status())
                        .isEqualTo(503);

                decode.up();
                Poll.until("ready", () -> readiness(after).status() == 200);
                assertServes(after);
            }
        }
    }

    private static void assertServes(GatewayRig rig) throws IOException {
        Answer answer = RawClient.post(rig.port(), "/v1/completions", "{\"model\":\"tiny\",\"prompt\":\"four\"}");
        assertThat(answer.status()).as(answer.toString()).isEqualTo(200);
        assertThat(answer.header("x-tandem-attempts")).isEqualTo("1");
        rig.assertNothingLeft();
    }

    private static long up(GatewayRig rig) {
        return rig.bean(Fleet.class).statuses().stream()
                .filter(status -> status.state().serving())
                .count();
    }

    private static Answer readiness(GatewayRig rig) {
        try {
            return RawClient.get(rig.port(), "/readyz");
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
