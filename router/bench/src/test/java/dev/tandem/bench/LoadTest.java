// SPDX-License-Identifier: Apache-2.0
package dev.tandem.bench;

import static org.assertj.core.api.Assertions.assertThat;

import io.netty.channel.EventLoopGroup;
import io.netty.channel.MultiThreadIoEventLoopGroup;
import io.netty.channel.epoll.EpollIoHandler;
import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Load generator and fake workers against each other, and against a server that does it wrong. */
@Timeout(60)
class LoadTest {
    private static EventLoopGroup loop = new MultiThreadIoEventLoopGroup(1, EpollIoHandler.newFactory());
    private static FakeWorker worker = new FakeWorker();

    @BeforeAll
    static void startWorker() throws InterruptedException {
        worker = FakeWorker.onFreePorts(1);
    }

    @AfterAll
    static void stop() {
        worker.close();
        loop.shutdownGracefully(0, 1, TimeUnit.SECONDS).awaitUninterruptibly();
    }

    @Test
    void jsonAnswersOfEveryBodySizeAreComplete() {
        for (Cell cell : new Cell[] {Cell.REQUEST_1K, Cell.REQUEST_128K, Cell.REQUEST_1M}) {
            Tally tally = run(worker.ports().getFirst(), cell.shape(), 8, 130);
            assertThat(tally.fault()).isEmpty();
            assertThat(tally.answered()).isEqualTo(130);
            assertThat(tally.bodiesAsSent()).isEqualTo(130);
            assertThat(tally.firstByteNanos().size()).isEqualTo(130);
        }
    }

    @Test
    void streamsDeliverEveryEvent() {
        Tally tally = run(worker.ports().getFirst(), new Shape(1_024, 200, 0), 8, 200);
        assertThat(tally.fault()).isEmpty();
        assertThat(tally.events()).isEqualTo(200 * 200);
        assertThat(tally.bodiesRewritten()).isZero();
    }

    @Test
    void pacedStreamsDeliverEveryEvent() {
        Tally tally = run(worker.ports().getFirst(), new Shape(1_024, 20, 1_000), 16, 32);
        assertThat(tally.fault()).isEmpty();
        assertThat(tally.events()).isEqualTo(32 * 20);
    }

    @Test
    void aFixedRateAsksUntilItsLimit() {
        Load.Demand demand = new Load.Demand(worker.ports().getFirst(), 4, 1_000, 100);
        Tally tally = finish(Load.start(loop, new Shape(1_024, 0, 0), demand));
        assertThat(tally.fault()).isEmpty();
        assertThat(tally.answered()).isEqualTo(100);
    }

    @Test
    void heldStreamsAreClosedWithoutAFault() {
        Load.Demand demand = new Load.Demand(worker.ports().getFirst(), 50, 0, 50);
        Load load = Load.start(loop, new Shape(1_024, 200, 60_000_000), demand);
        try (load) {
            while (load.tally().firstByteNanos().size() < 50) {
                Thread.onSpinWait();
            }
            assertThat(load.outstanding()).isEqualTo(50);
        }
        assertThat(load.tally().fault()).isEmpty();
    }

    @Test
    void aChangedByteIsSeen() throws IOException {
        byte[] answer = Traffic.answer(0);
        answer[40] ^= 1;
        assertThat(answeredWith(answer, answer.length).fault()).contains("1 changed", "answer 0 differs");
    }

    @Test
    void aShortAnswerIsSeen() throws IOException {
        byte[] answer = java.util.Arrays.copyOf(Traffic.answer(0), 100);
        assertThat(answeredWith(answer, answer.length).fault()).contains("1 changed", "ends after 100 bytes");
    }

    @Test
    void aLostConnectionIsSeen() throws IOException {
        byte[] answer = Traffic.answer(0);
        assertThat(answeredWith(answer, answer.length + 1).fault()).contains("1 failed", "connection closed");
    }

    /** One request to a server that sends this body under this length and closes. */
    private static Tally answeredWith(byte[] body, int length) throws IOException {
        try (ServerSocket server = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
            Load.Demand demand = new Load.Demand(server.getLocalPort(), 1, 0, 1);
            Load load = Load.start(loop, new Shape(1_024, 0, 0), demand);
            try (Socket socket = server.accept()) {
                socket.getInputStream().readNBytes(1_024);
                String head = "HTTP/1.1 200 OK\r\nContent-Length: " + length + "\r\n\r\n";
                socket.getOutputStream().write(Traffic.concat(Traffic.ascii(head), body));
                socket.shutdownOutput();
                return finish(load);
            }
        }
    }

    private static Tally run(int port, Shape shape, int connections, int most) {
        return finish(Load.start(loop, shape, new Load.Demand(port, connections, 0, most)));
    }

    private static Tally finish(Load load) {
        try (load) {
            while (!load.finished()) {
                Thread.onSpinWait();
            }
            return load.tally();
        }
    }
}
