// SPDX-License-Identifier: Apache-2.0
package dev.tandem.gateway.handover;

import static org.assertj.core.api.Assertions.assertThat;

import dev.tandem.core.time.Ticker;
import java.time.Duration;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import reactor.core.scheduler.Schedulers;

/** Over real sockets, with engines and strangers that are played byte by byte. */
@Timeout(60)
class ProxyNotificationsTest {
    private static final String KEY = "0123456789abcdef";
    private static final byte[] NOTICE = Packed.map("type", "ProxyNotif", "req_id", KEY);

    private final Heard heard = new Heard();
    private final Notices notices = new Notices(10, Schedulers.parallel(), heard);
    private ProxyNotifications socket = open(AddressRanges.LOOPBACK);

    @AfterEach
    void close() {
        socket.close();
    }

    @Test
    void dropsWhatIsNoNoticeAndListensOn() throws Exception {
        notices.expect(KEY);
        try (ZmqPeer engine = ZmqPeer.push(socket.port())) {
            engine.send(new byte[] {1, 2, 3})
                    .send(Packed.map("type", "AllocRequest", "req_id", KEY))
                    .send(Packed.map("type", "ProxyNotif"))
                    .send(Packed.map("type", "ProxyNotif", "req_id", 7))
                    .sendParts(NOTICE, NOTICE)
                    .send(Packed.map("type", "ProxyNotif", "req_id", "chatcmpl-" + KEY))
                    .send(NOTICE);
            assertThat(heard.next()).isEqualTo("notice malformed");
            assertThat(heard.next()).isEqualTo("notice unknown");
            assertThat(heard.next()).isEqualTo("notice unknown");
            assertThat(heard.next()).isEqualTo("notice unknown");
            assertThat(heard.next()).isEqualTo("notice malformed");
            assertThat(heard.next()).isEqualTo("notice unknown");
            assertThat(heard.next()).isEqualTo("notice accepted");
        }
    }

    @Test
    void letsNobodyInWhoIsNotAllowed() throws Exception {
        socket.close();
        socket = open(AddressRanges.of(List.of("10.0.0.0/8")));
        try (RawPeer stranger = RawPeer.from("127.0.0.1", socket.port())) {
            stranger.awaitClose();
        }

        assertThat(heard.next()).isEqualTo("notice refused");
    }

    @Test
    void hangsUpOnOtherSockets() throws Exception {
        try (RawPeer stranger = RawPeer.from("127.0.0.1", socket.port())) {
            stranger.send(RawPeer.GREETING + RawPeer.READY_DEALER).awaitClose();
        }

        assertThat(heard.next()).isEqualTo("notice malformed");
    }

    @Test
    void bringsANoticeOfEachRank() throws Exception {
        Awaited awaited = notices.expect(KEY);
        try (ZmqPeer engine = ZmqPeer.push(socket.port())) {
            engine.send(NOTICE).send(Packed.map("type", "NixlProxyNotif", "req_id", KEY));
            awaited.arrived(2).block(Duration.ofSeconds(20));
        }

        assertThat(heard.next()).isEqualTo("notice accepted");
        assertThat(heard.next()).isEqualTo("notice accepted");
        assertThat(heard.silent()).isTrue();
    }

    private ProxyNotifications open(AddressRanges allowed) {
        return ProxyNotifications.open(new ListenerSettings("127.0.0.1", 0, allowed), notices, Ticker.SYSTEM, heard);
    }
}
