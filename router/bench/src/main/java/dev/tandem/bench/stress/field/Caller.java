// SPDX-License-Identifier: Apache-2.0
package dev.tandem.bench.stress.field;

import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.net.SocketException;
import java.net.SocketTimeoutException;
import java.nio.charset.StandardCharsets;
import java.time.Duration;

/** A connection of a client. One thread at a time sends, one reads. */
public final class Caller implements AutoCloseable {
    private static final int CONNECT_MILLIS = 20_000;

    private final Socket socket;
    private final InputStream in;
    private final EventReader events;

    private Caller(Socket socket) throws IOException {
        this.socket = socket;
        this.in = Http.buffered(socket.getInputStream());
        this.events = new EventReader(in);
    }

    /** Connects to a port of this machine. */
    public static Caller open(int port) throws IOException {
        return open(port, 0);
    }

    /**
     * Connects.
     *
     * @param receiveBuffer Size of the socket's receive buffer in bytes, 0 for the usual one.
     */
    public static Caller open(int port, int receiveBuffer) throws IOException {
        Socket socket = new Socket();
        if (receiveBuffer > 0) {
            socket.setReceiveBufferSize(receiveBuffer);
        }
        socket.setTcpNoDelay(true);
        socket.connect(new InetSocketAddress(InetAddress.getLoopbackAddress(), port), CONNECT_MILLIS);
        return new Caller(socket);
    }

    /** Returns its own port. */
    public int port() {
        return socket.getLocalPort();
    }

    /** Waits no longer than that for anything that is read. */
    public Caller patience(Duration longest) throws SocketException {
        socket.setSoTimeout((int) longest.toMillis());
        return this;
    }

    public void send(Wish wish) throws IOException {
        send(wish.body());
    }

    /** Sends a completion with this body. */
    public void send(String body) throws IOException {
        write(request(body));
    }

    /** Returns a completion with this body as it is sent. */
    public static byte[] request(String body) {
        return ("POST /v1/completions HTTP/1.1\r\nhost: stress\r\ncontent-type: application/json\r\n"
                        + "content-length: " + body.length() + "\r\n\r\n" + body)
                .getBytes(StandardCharsets.US_ASCII);
    }

    /** Sends any bytes. */
    public void write(byte... bytes) throws IOException {
        socket.getOutputStream().write(bytes);
        socket.getOutputStream().flush();
    }

    /** Sends a completion and reads the whole answer. */
    public Answer ask(Wish wish) throws IOException {
        send(wish);
        return answer();
    }

    /** Sends a request without a body and reads the whole answer. */
    public Answer ask(String method, String path) throws IOException {
        write((method + " " + path + " HTTP/1.1\r\nhost: stress\r\ncontent-length: 0\r\n\r\n")
                .getBytes(StandardCharsets.US_ASCII));
        return answer();
    }

    /** Reads a whole answer. */
    public Answer answer() throws IOException {
        Http.Head head = Http.head(in);
        return new Answer(head.status(), head.headers(), Http.body(in, head));
    }

    /** Reads the head of a stream; whether there is one. */
    public boolean streams() throws IOException {
        return Http.head(in).status() == 200;
    }

    /** Reads one event of the connection's only stream; empty at its end. */
    public String event() throws IOException {
        return events.next();
    }

    /** Reads up to the end of the connection; whether that has come. */
    public boolean ends() {
        try {
            in.transferTo(OutputStream.nullOutputStream());
            return true;
        } catch (SocketTimeoutException never) {
            return false;
        } catch (IOException reset) {
            return true;
        }
    }

    /** Closes the connection by a reset: what has not been sent yet is dropped. */
    public void reset() throws IOException {
        socket.setSoLinger(true, 0);
        socket.close();
    }

    @Override
    public void close() throws IOException {
        socket.close();
    }
}
