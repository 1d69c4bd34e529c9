// SPDX-License-Identifier: Apache-2.0
package dev.tandem.bench.stress.field;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.time.Duration;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import org.junit.jupiter.api.Test;

class SendQueuesTest {
    private static final String LINE =
            "   3: 0100007F:1F98 0100007F:D431 %s %08X:00000000 01:00000014 00000000     0        0 12345 1 0000";

    @Test
    void aLineOfTheKernelNamesAnEstablishedConnection() {
        SendQueues queues = new SendQueues(8088, List.of(54_321));

        assertThat(there(queues, LINE.formatted("01", 4_096))).containsExactly(54_321);
        assertThat(there(queues, LINE.formatted("04", 4_096))).isEmpty();
        assertThat(there(queues, "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt"))
                .isEmpty();
    }

    @Test
    void seesOnARealSocketThatAConnectionHasEnded() throws IOException {
        try (ServerSocket server = new ServerSocket(0, 1, InetAddress.getLoopbackAddress());
                Socket client = new Socket(server.getInetAddress(), server.getLocalPort())) {
            SendQueues queues = new SendQueues(server.getLocalPort(), List.of(client.getLocalPort()));
            try (Socket accepted = server.accept()) {
                accepted.getOutputStream().write(new byte[1_000]);
                queues.look();
                assertThat(queues.open()).isOne();
                assertThat(queues.idle(Duration.ofHours(1))).isZero();
                assertThat(queues.idle(Duration.ZERO)).isOne();
            }
            queues.look();
            assertThat(queues.open()).isZero();
            assertThat(queues.longestSeconds()).isPositive();
        }
    }

    private static Set<Integer> there(SendQueues queues, String line) {
        Set<Integer> there = new HashSet<>();
        queues.note(line, 1, there);
        return there;
    }
}
