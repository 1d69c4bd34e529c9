// SPDX-License-Identifier: Apache-2.0
package dev.tandem.gateway.handover;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.net.InetAddress;
import java.net.UnknownHostException;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class AddressRangesTest {
    @ParameterizedTest
    @ValueSource(
            strings = {"", "/", "10.0.0.0/", "10.0.0.0/33", "10.0.0.0/-1", "10.0.0/8", "host", "fd00::/129", "1.2.3.4/x"
            })
    void refusesWhatIsNoRange(String range) {
        assertThatThrownBy(() -> AddressRanges.of(List.of(range))).isInstanceOf(IllegalArgumentException.class);
    }

    @ParameterizedTest
    @CsvSource({
        "10.0.0.0/8, 10.255.255.255, true",
        "10.0.0.0/8, 11.0.0.0, false",
        "10.1.2.3/8, 10.9.9.9, true",
        "10.0.0.7, 10.0.0.7, true",
        "10.0.0.7, 10.0.0.8, false",
        "0.0.0.0/0, 203.0.113.9, true",
        "0.0.0.0/0, ::1, false",
        "10.0.0.0/8, ::ffff:10.0.0.1, true",
        "fd00::/8, fdff::1, true",
        "fd00::/8, fe00::1, false",
        "::/0, ::1, true"
    })
    void knowsWhatIsInside(String range, String address, boolean inside) throws UnknownHostException {
        assertThat(AddressRanges.of(List.of(range)).contain(InetAddress.getByName(address)))
                .isEqualTo(inside);
    }

    @Test
    void noRangesHoldNobody() {
        assertThat(AddressRanges.of(List.of()).contain(InetAddress.getLoopbackAddress()))
                .isFalse();
        assertThat(AddressRanges.LOOPBACK.contain(InetAddress.getLoopbackAddress()))
                .isTrue();
    }
}
