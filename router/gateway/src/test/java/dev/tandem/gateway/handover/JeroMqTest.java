// SPDX-License-Identifier: Apache-2.0
package dev.tandem.gateway.handover;

import static org.assertj.core.api.Assertions.assertThat;

import dev.tandem.core.time.Ticker;
import dev.tandem.gateway.handover.Registry.Rules;
import java.util.List;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.zeromq.SocketType;
import org.zeromq.ZContext;
import org.zeromq.ZMQ;
import reactor.core.scheduler.Schedulers;

/** The listeners understand a ZeroMQ library that is not ours. */
@Timeout(60)
class JeroMqTest {
    private static final ListenerSettings ANY_PORT = new ListenerSettings("127.0.0.1", 0, AddressRanges.LOOPBACK);

    /** About one of fifty connections of JeroMQ 0.6.0 falls silent at once, to its own sockets, too. */
    private static final int CONNECTIONS = 20;

    @Test
    void anEngineRegisters() throws Exception {
        BlockingQueue<List<RegisteredEngine>> changes = new LinkedBlockingQueue<>();
        try (Registry registry =
                Registry.open(ANY_PORT, new Rules(1, true), Ticker.SYSTEM, new Heard(), changes::add)) {
            byte[] ping = Packed.map("type", "P", "http_address", "127.0.0.1:8100", "zmq_address", "127.0.0.1:21001");

            assertThat(sendUntilSeen(SocketType.DEALER, registry.port(), ping, changes))
                    .hasSize(1);
        }
    }

    @Test
    void anEngineGivesNotice() throws Exception {
        BlockingQueue<String> arrived = new LinkedBlockingQueue<>();
        Notices notices = new Notices(1, Schedulers.parallel(), new Heard());
        notices.expect("0123456789abcdef")
                .arrived(1)
                .subscribe(nothing -> {}, error -> {}, () -> arrived.add("arrived"));
        try (ProxyNotifications socket = ProxyNotifications.open(ANY_PORT, notices, Ticker.SYSTEM, new Heard())) {
            byte[] notice = Packed.map("type", "ProxyNotif", "req_id", "0123456789abcdef");

            assertThat(sendUntilSeen(SocketType.PUSH, socket.port(), notice, arrived))
                    .isEqualTo("arrived");
        }
    }

    private static <T> T sendUntilSeen(SocketType type, int port, byte[] message, BlockingQueue<T> seen)
            throws InterruptedException {
        for (int i = 0; i < CONNECTIONS; i++) {
            try (ZContext context = new ZContext()) {
                context.setLinger(0);
                ZMQ.Socket engine = context.createSocket(type);
                engine.setIdentity("10.0.0.1:21001".getBytes(ZMQ.CHARSET));
                engine.connect("tcp://127.0.0.1:" + port);
                engine.send(message);
                T thing = seen.poll(1, TimeUnit.SECONDS);
                if (thing != null) {
                    return thing;
                }
            }
        }
        throw new AssertionError("nothing came over " + CONNECTIONS + " connections");
    }
}
