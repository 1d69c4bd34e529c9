// SPDX-License-Identifier: Apache-2.0
package dev.tandem.gateway.it;

import static org.assertj.core.api.Assertions.assertThat;

import dev.tandem.core.fleet.Role;
import dev.tandem.gateway.it.RawClient.Answer;
import java.io.IOException;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** A body that is never silent for long, and never ends, is refused as one that falls silent. */
@Timeout(value = 90, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
@SuppressWarnings("StringConcatToTextBlock") // HTTP is read best as it is on the wire
final class SlowBodyIT {
    @Test
    void aBodyThatTakesTooLongIs408() throws IOException {
        try (RawEngine engine = RawEngine.start("tiny");
                GatewayRig rig = GatewayRig.setup()
                        .worker("w1", engine.url(), Role.UNIFIED)
                        .set("tandem.body.read-timeout", "300ms")
                        .start();
                RawClient client = RawClient.open(rig.port())) {
            client.write("POST /v1/completions HTTP/1.1\r\nhost: g\r\ncontent-type: application/json\r\n"
                    + "content-length: 100\r\n\r\n{\"model\":");
            Answer answer = client.read();

            assertThat(answer.status()).as(answer.toString()).isEqualTo(408);
            assertThat(answer.text()).contains("\"code\":\"request_timeout\"");
            assertThat(client.closedByGateway()).isTrue();
            rig.assertNothingLeft();
        }
    }
}
