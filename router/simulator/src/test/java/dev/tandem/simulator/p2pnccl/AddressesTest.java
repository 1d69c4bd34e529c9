// SPDX-License-Identifier: Apache-2.0
package dev.tandem.simulator.p2pnccl;

import static org.assertj.core.api.Assertions.assertThat;

import java.net.InetSocketAddress;
import org.junit.jupiter.api.Test;

class AddressesTest {
    private static final String ID =
            "___prefill_addr_10.0.0.1:21001___decode_addr_10.0.0.2:22001_0123456789abcdef0123456789abcdef";

    @Test
    void findsBothEnginesInAWrappedId() {
        for (String id : new String[] {ID, "cmpl-" + ID + "-0", "1_chatcmpl-" + ID}) {
            assertThat(Addresses.decode(id)).isEqualTo(InetSocketAddress.createUnresolved("10.0.0.2", 22_001));
            assertThat(Addresses.prefill(id)).isEqualTo(InetSocketAddress.createUnresolved("10.0.0.1", 21_001));
        }
    }

    @Test
    void isLedAstrayByDigitsBehindTheDecodeAddress() {
        assertThat(Addresses.decode(ID + ":7"))
                .isEqualTo(InetSocketAddress.createUnresolved("10.0.0.2:22001_0123456789abcdef0123456789abcdef", 7));
    }

    @Test
    void findsNothingInAnotherId() {
        assertThat(Addresses.decode("cmpl-1-0")).isNull();
        assertThat(Addresses.prefill("___prefill_addr_host:1")).isNull();
        assertThat(Addresses.decode("___decode_addr_host:99999")).isNull();
    }
}
