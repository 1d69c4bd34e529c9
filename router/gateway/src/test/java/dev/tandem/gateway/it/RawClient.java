// SPDX-License-Identifier: Apache-2.0
package dev.tandem.gateway.it;

import java.io.BufferedInputStream;
import java.io.ByteArrayOutputStream;
import java.io.EOFException;
import java.io.IOException;
import java.io.InputStream;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/** A client on a bare socket: says exactly what it is told to and sees every byte. Confined to one thread. */
final class RawClient implements AutoCloseable {
    private static final int PATIENCE_MILLIS = 30_000;

    private final Socket socket;
    private final HttpReader reader;
    private @Nullable InputStream body;

    private RawClient(Socket socket) throws IOException {
        this.socket = socket;
        this.reader = new HttpReader(new BufferedInputStream(socket.getInputStream()));
    }

    static RawClient open(int port) throws IOException {
        return open(port, 0);
    }

    /** Connects; a positive number is the size of the receive buffer in bytes. */
    static RawClient open(int port, int receiveBuffer) throws IOException {
        Socket socket = new Socket();
        if (receiveBuffer > 0) {
            socket.setReceiveBufferSize(receiveBuffer);
        }
        socket.setTcpNoDelay(true);
        socket.setSoTimeout(PATIENCE_MILLIS);
        socket.connect(new InetSocketAddress(InetAddress.getLoopbackAddress(), port), PATIENCE_MILLIS);
        return new RawClient(socket);
    }

    /** Sends one request on a connection of its own and reads the answer to its end. */
    static Answer ask(int port, String method, String path, byte[] body, String... headers) throws IOException {
        try (RawClient client = open(port)) {
            return client.send(method, path, body, headers).read();
        }
    }

    /** Posts JSON on a connection of its own and reads the answer to its end. */
    static Answer post(int port, String path, String json, String... headers) throws IOException {
        return ask(port, "POST", path, json.getBytes(StandardCharsets.UTF_8), headers);
    }

    static Answer get(int port, String path) throws IOException {
        return ask(port, "GET", path, new byte[0]);
    }

    /** Sends a request; a body is JSON unless a header says otherwise. */
    RawClient send(String method, String path, byte[] bytes, String... headers) throws IOException {
        StringBuilder head = new StringBuilder(method + " " + path + " HTTP/1.1\r\nhost: gateway\r\n");
        if (bytes.length > 0) {
            head.append("content-length: ").append(bytes.length).append("\r\n");
            if (Arrays.stream(headers).noneMatch(header -> header.startsWith("content-type:"))) {
                head.append("content-type: application/json\r\n");
            }
        }
        for (String header : headers) {
            head.append(header).append("\r\n");
        }
        byte[] first = head.append("\r\n").toString().getBytes(StandardCharsets.UTF_8);
        byte[] all = Arrays.copyOf(first, first.length + bytes.length);
        System.arraycopy(bytes, 0, all, first.length, bytes.length);
        return write(all);
    }

    RawClient send(String path, String json, String... headers) throws IOException {
        return send("POST", path, json.getBytes(StandardCharsets.UTF_8), headers);
    }

    RawClient write(byte[] bytes) throws IOException {
        socket.getOutputStream().write(bytes);
        socket.getOutputStream().flush();
        return this;
    }

    RawClient write(String text) throws IOException {
        return write(text.getBytes(StandardCharsets.UTF_8));
    }

    /**
     * Reads the head of an answer behind those that only say that it will come; {@link #event()} and {@link #text} read
     * on.
     */
    HttpReader.Head head() throws IOException {
        HttpReader.Head head = reader.head();
        while (head != null && head.word(1).equals("100")) {
            head = reader.head();
        }
        if (head == null) {
            throw new IOException("the gateway closed the connection without an answer");
        }
        body = reader.body(head, true);
        return head;
    }

    /** Returns the next server-sent event with its empty line, however the chunks of the body divide it. */
    String event() throws IOException {
        StringBuilder event = new StringBuilder();
        while (event.indexOf("\n\n") < 0) {
            event.append(text(1));
        }
        return event.toString();
    }

    /** Returns the next bytes of the body, as many as told, which are ASCII. */
    String text(int length) throws IOException {
        byte[] text = body().readNBytes(length);
        if (text.length < length) {
            throw new EOFException("the body ends after " + text.length + " of " + length + " bytes");
        }
        return new String(text, StandardCharsets.US_ASCII);
    }

    /** Reads an answer to its end, proper or not. */
    Answer read() throws IOException {
        return rest(head());
    }

    /** Reads what is left of an answer whose head has been read. */
    Answer rest(HttpReader.Head head) {
        ByteArrayOutputStream all = new ByteArrayOutputStream();
        boolean whole = true;
        try {
            for (byte[] piece = bytes(); piece.length > 0; piece = bytes()) {
                all.write(piece, 0, piece.length);
            }
        } catch (IOException cut) {
            whole = false;
        }
        return new Answer(Integer.parseInt(head.word(1)), head.headers(), all.toByteArray(), whole);
    }

    private byte[] bytes() throws IOException {
        byte[] bytes = new byte[65_536];
        int read = body().read(bytes, 0, bytes.length);
        return Arrays.copyOf(bytes, Math.max(0, read));
    }

    private InputStream body() {
        InputStream from = body;
        if (from == null) {
            throw new IllegalStateException("head: not read yet");
        }
        return from;
    }

    /** Returns everything that comes until the gateway closes the connection, a character per byte. */
    String drain() throws IOException {
        ByteArrayOutputStream all = new ByteArrayOutputStream();
        try {
            socket.getInputStream().transferTo(all);
        } catch (java.net.SocketTimeoutException open) {
            throw open;
        } catch (IOException reset) {
            // closed as well
        }
        return all.toString(StandardCharsets.ISO_8859_1);
    }

    /** Whether the gateway has closed or reset the connection; waits for it. */
    boolean closedByGateway() throws IOException {
        try {
            return socket.getInputStream().read() < 0;
        } catch (java.net.SocketTimeoutException still) {
            return false;
        } catch (IOException reset) {
            return true;
        }
    }

    @Override
    public void close() throws IOException {
        socket.close();
    }

    /**
     * An answer.
     *
     * @param status HTTP status
     * @param headers names in lower case
     * @param bytes the body without its framing
     * @param whole whether the body ended as its framing says
     */
    @SuppressWarnings("ArrayRecordComponent") // never compared
    record Answer(int status, List<Map.Entry<String, String>> headers, byte[] bytes, boolean whole) {
        String text() {
            return new String(bytes, StandardCharsets.UTF_8);
        }

        Optional<String> find(String name) {
            return new HttpReader.Head("", headers).header(name);
        }

        String header(String name) {
            return find(name).orElse("");
        }

        @Override
        public String toString() {
            return status + " " + headers + " whole=" + whole + "\n" + text();
        }
    }
}
