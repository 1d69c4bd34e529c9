// SPDX-License-Identifier: Apache-2.0
package dev.tandem.simulator.moriio;

import static org.assertj.core.api.Assertions.assertThat;

import dev.tandem.simulator.wire.Json;
import org.junit.jupiter.api.Test;

class PeerAddressTest {
    private static final String P = "host:10.0.0.1,handshake:6301,notify:61005";
    private static final String D = "host:::1,handshake:6302,notify:61006";
    private static final String ID =
            "___prefill_addr_" + P + "___decode_addr_" + D + "_0123456789abcdef0123456789abcdef";

    @Test
    void findsBothEnginesInAWrappedId() {
        for (String id : new String[] {ID, "cmpl-" + ID + "-0-1a2b3c4d", "chatcmpl-" + ID + "-1a2b3c4d"}) {
            assertThat(PeerAddress.prefill(id)).isEqualTo(P);
            assertThat(PeerAddress.decode(id)).isEqualTo(D);
        }
    }

    @Test
    void findsNoDecodeEngineWithoutThirtyTwoHexDigits() {
        assertThat(PeerAddress.decode(ID.substring(0, ID.length() - 1))).isNull();
        assertThat(PeerAddress.decode(ID.replace('a', 'A'))).isNull();
        assertThat(PeerAddress.prefill("cmpl-1")).isNull();
    }

    @Test
    void splitsEachPartAtItsFirstColon() {
        assertThat(PeerAddress.parse(D)).isEqualTo(new PeerAddress(D, "::1", 6_302));
        assertThat(PeerAddress.parse("10.0.0.1:6301")).isNull();
        assertThat(PeerAddress.parse("host:a,handshake:x,notify:1")).isNull();
        assertThat(PeerAddress.parse("host:a,handshake:6301")).isNull();
    }

    @Test
    void takesTheParametersWhenTheIdSaysNothing() {
        var params = Json.object().put("remote_host", "h").put("remote_handshake_port", 6_301);
        assertThat(PeerAddress.of(null, params)).isNull();
        assertThat(PeerAddress.of(null, params.put("remote_notify_port", 61_005)))
                .isEqualTo(new PeerAddress(null, "h", 6_301));
    }
}
