// SPDX-License-Identifier: Apache-2.0
package dev.tandem.gateway.config;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.tandem.core.lifecycle.EngineMessageListener;
import dev.tandem.core.time.Ticker;
import dev.tandem.gateway.handover.AddressRanges;
import dev.tandem.gateway.handover.ListenerSettings;
import dev.tandem.gateway.handover.NoticeServer;
import dev.tandem.gateway.handover.Notices;
import dev.tandem.gateway.handover.ProxyNotifications;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import reactor.core.scheduler.Schedulers;

class EngineListenersTest {
    private static final String GROUP = "tandem.handover.registry";

    private final Notices notices = new Notices(1, Schedulers.parallel(), EngineMessageListener.NONE);

    @ParameterizedTest
    @ValueSource(strings = {"0.0.0.0", "::", "10.0.0.1", "192.0.2.1"})
    void refusesToListenToEverybody(String address) {
        assertThatThrownBy(() -> EngineListeners.settings(GROUP, address, 1, List.of()))
                .isInstanceOfSatisfying(InvalidConfigurationException.class, e -> {
                    assertThat(e).hasMessageContaining(GROUP + " listens on " + address);
                    assertThat(e.action()).contains(GROUP + ".allowed", GROUP + ".address");
                });
    }

    @ParameterizedTest
    @ValueSource(strings = {"127.0.0.1", "127.0.0.9", "::1", "localhost"})
    void listensToThisMachineWithoutAList(String address) {
        assertThat(EngineListeners.settings(GROUP, address, 1, List.of()).allowed())
                .isSameAs(AddressRanges.LOOPBACK);
    }

    @Test
    void listensAnywhereToWhoIsOnTheList() {
        assertThat(EngineListeners.settings(GROUP, "0.0.0.0", 7, List.of("10.0.0.0/8", "fd00::/8")))
                .extracting(ListenerSettings::address, ListenerSettings::port)
                .containsExactly("0.0.0.0", 7);
    }

    @Test
    void namesARangeThatIsNone() {
        assertThatThrownBy(() -> EngineListeners.settings(GROUP, "0.0.0.0", 7, List.of("10.0.0.0/8", "10.0.0.0/99")))
                .isInstanceOf(InvalidConfigurationException.class)
                .hasMessageContaining(GROUP + ".allowed")
                .hasMessageContaining("10.0.0.0/99");
    }

    @Test
    void saysWhenAPortIsTaken() {
        try (NoticeServer other = NoticeServer.open(free(), null, notices, Ticker.SYSTEM, EngineMessageListener.NONE)) {
            ListenerSettings taken = new ListenerSettings("127.0.0.1", other.port(), AddressRanges.LOOPBACK);

            assertThatThrownBy(() -> EngineListeners.open(
                            GROUP,
                            taken,
                            () -> NoticeServer.open(taken, null, notices, Ticker.SYSTEM, EngineMessageListener.NONE)))
                    .isInstanceOf(InvalidConfigurationException.class)
                    .hasMessage(GROUP + " cannot listen on 127.0.0.1:" + other.port());
            assertThatThrownBy(() -> EngineListeners.open(
                            GROUP,
                            taken,
                            () -> ProxyNotifications.open(taken, notices, Ticker.SYSTEM, EngineMessageListener.NONE)))
                    .isInstanceOf(InvalidConfigurationException.class);
        }
    }

    private static ListenerSettings free() {
        return new ListenerSettings("127.0.0.1", 0, AddressRanges.LOOPBACK);
    }
}
