// SPDX-License-Identifier: Apache-2.0
package dev.tandem.bench.stress;

import java.io.IOException;
import java.io.InputStream;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.net.SocketException;
import java.nio.charset.StandardCharsets;
import java.time.Duration;

/** A connection of a client. Used by one thread at a time. */
final class Caller implements AutoCloseable {
    private static final int CONNECT_MILLIS = 20_000;

    private final Socket socket;
    private final InputStream in;

    private Caller(Socket socket) throws IOException {
        this.socket = socket;
        this.in = Http.buffered(socket.getInputStream());
    }

    /**
     * Connects.
     *
     * @param receiveBuffer Size of the socket's receive buffer in bytes, 0 for the usual one.
     */
    static Caller open(int port, int receiveBuffer) throws IOException {
        Socket socket = new Socket();
        if (receiveBuffer > 0) {
            socket.setReceiveBufferSize(receiveBuffer);
        }
        socket.setTcpNoDelay(true);
        socket.connect(new InetSocketAddress(InetAddress.getLoopbackAddress(), port), CONNECT_MILLIS);
        return new Caller(socket);
    }

    /** Waits no longer than that for anything that is read. */
    Caller patience(Duration longest) throws SocketException {
        socket.setSoTimeout((int) longest.toMillis());
        return this;
    }

    void send(Wish wish) throws IOException {
        String body = wish.body();
        socket.getOutputStream()
                .write(("POST /v1/completions HTTP/1.1\r\nhost: stress\r\ncontent-type: application/json\r\n"
                                + "content-length: " + body.length() + "\r\n\r\n" + body)
                        .getBytes(StandardCharsets.US_ASCII));
        socket.getOutputStream().flush();
    }

    /** Reads an answer that is no stream and returns its status. */
    int answered() throws IOException {
        Http.Head head = Http.head(in);
        Http.body(in, head);
        return head.status();
    }

    /** Reads the head of a stream; whether there is one. */
    boolean streams() throws IOException {
        return Http.head(in).status() == 200;
    }

    /** Reads one piece of a stream; empty at its end. */
    String piece() throws IOException {
        return new String(Http.chunk(in), StandardCharsets.US_ASCII);
    }

    @Override
    public void close() throws IOException {
        socket.close();
    }
}
