// SPDX-License-Identifier: Apache-2.0
package dev.tandem.gateway.it;

import java.io.BufferedInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.atomic.AtomicLong;

/**
 * An engine on bare sockets: keeps exactly what it was sent and answers exactly what a test writes. Thread-safe; every
 * connection has a virtual thread of its own.
 */
final class RawEngine implements AutoCloseable {
    private final String models;
    private final List<Received> received = new CopyOnWriteArrayList<>();
    private final Set<Socket> connections = ConcurrentHashMap.newKeySet();
    private final AtomicLong bodyBytes = new AtomicLong();
    private final AtomicLong peersGone = new AtomicLong();
    private final int port;
    private volatile ServerSocket listener;
    private volatile String props = "";
    private volatile String metrics = "";
    private volatile String version = "";
    private volatile Behaviour behaviour = (request, wire) -> wire.json(200, "{}");

    private RawEngine(String model) throws IOException {
        this.models = "{\"object\":\"list\",\"data\":[{\"id\":\"" + model + "\",\"object\":\"model\"}]}";
        this.listener = listen(0);
        this.port = listener.getLocalPort();
        serve(listener);
    }

    /** Starts an engine on a free loopback port; it says that it is well and lists one model. */
    static RawEngine start(String model) throws IOException {
        return new RawEngine(model);
    }

    /** What the engine does with a request that is no probe. */
    @FunctionalInterface
    interface Behaviour {
        void answer(Received request, Wire wire) throws IOException, InterruptedException;
    }

    /**
     * A request as it came.
     *
     * @param head request line and headers
     * @param body the body without its framing
     */
    @SuppressWarnings("ArrayRecordComponent") // never compared
    record Received(HttpReader.Head head, byte[] body) {
        String path() {
            return head.word(1);
        }

        String text() {
            return new String(body, StandardCharsets.UTF_8);
        }
    }

    URI url() {
        return URI.create("http://127.0.0.1:" + port);
    }

    /** Says that it has that many engine slots. */
    RawEngine slots(int number) {
        props = "{\"total_slots\":" + number + "}";
        return this;
    }

    /** Answers {@code GET /metrics} with that. */
    RawEngine metrics(String text) {
        metrics = text;
        return this;
    }

    /** Says that it is vLLM of that version. */
    RawEngine version(String text) {
        version = "{\"version\":\"" + text + "\"}";
        return this;
    }

    void on(Behaviour next) {
        behaviour = next;
    }

    /** Returns the requests that were no probes, read to their end. */
    List<Received> received() {
        return received;
    }

    /** Returns the bytes of bodies that have come, of unfinished ones too. */
    long bodyBytes() {
        return bodyBytes.get();
    }

    /** Returns how often {@link Wire#awaitPeerGone()} has seen the gateway leave. */
    long peersGone() {
        return peersGone.get();
    }

    /** Forgets requests and behaviour. */
    void clear() {
        received.clear();
        bodyBytes.set(0);
        peersGone.set(0);
    }

    /** Stops listening and closes all connections: from now on connections are refused. */
    void down() throws IOException {
        listener.close();
        for (Socket socket : connections) {
            socket.close();
        }
    }

    /** Listens again on the same port. */
    void up() throws IOException {
        listener = listen(port);
        serve(listener);
    }

    @Override
    public void close() throws IOException {
        down();
    }

    private static ServerSocket listen(int port) throws IOException {
        ServerSocket socket = new ServerSocket();
        socket.setReuseAddress(true);
        socket.bind(new java.net.InetSocketAddress(InetAddress.getLoopbackAddress(), port), 2048);
        return socket;
    }

    private void serve(ServerSocket on) {
        Thread.ofVirtual().name("raw-engine").start(() -> {
            try {
                while (true) {
                    Socket socket = on.accept();
                    connections.add(socket);
                    if (on.isClosed()) {
                        socket.close(); // it came while the engine was going down
                    }
                    Thread.startVirtualThread(() -> converse(socket));
                }
            } catch (IOException closed) {
                // down
            }
        });
    }

    @SuppressWarnings("EmptyCatch") // a connection that breaks is what the tests are about
    private void converse(Socket socket) {
        try (socket) {
            socket.setTcpNoDelay(true);
            InputStream in = new BufferedInputStream(socket.getInputStream());
            HttpReader reader = new HttpReader(in);
            for (HttpReader.Head head = reader.head(); head != null; head = reader.head()) {
                answer(head, reader, new Wire(socket, in));
            }
        } catch (IOException | InterruptedException gone) {
            // the gateway or the test has ended the connection
        } finally {
            connections.remove(socket);
        }
    }

    private void answer(HttpReader.Head head, HttpReader reader, Wire wire) throws IOException, InterruptedException {
        switch (head.word(1)) {
            case "/health" -> wire.json(200, "");
            case "/v1/models" -> wire.json(200, models);
            case "/props" -> answerFact(props, wire);
            case "/metrics" -> answerFact(metrics, wire);
            case "/version" -> answerFact(version, wire);
            case "/server_info?config_format=json" -> answerFact("", wire);
            default -> {
                if (listener.isClosed()) {
                    throw new IOException("down");
                }
                Received request = new Received(head, read(reader.body(head, false)));
                received.add(request);
                behaviour.answer(request, wire);
            }
        }
    }

    private static void answerFact(String fact, Wire wire) throws IOException {
        wire.json(fact.isEmpty() ? 404 : 200, fact);
    }

    private byte[] read(InputStream body) throws IOException {
        ByteArrayOutputStream all = new ByteArrayOutputStream();
        byte[] part = new byte[65_536];
        for (int read = body.read(part, 0, part.length); read >= 0; read = body.read(part, 0, part.length)) {
            all.write(part, 0, read);
            bodyBytes.addAndGet(read);
        }
        return all.toByteArray();
    }

    /** The way back to the gateway. Confined to the connection's thread. */
    final class Wire {
        private final Socket socket;
        private final InputStream in;

        private Wire(Socket socket, InputStream in) {
            this.socket = socket;
            this.in = in;
        }

        void write(byte[] bytes, int from, int length) throws IOException {
            socket.getOutputStream().write(bytes, from, length);
            socket.getOutputStream().flush();
        }

        void write(String text) throws IOException {
            byte[] bytes = text.getBytes(StandardCharsets.UTF_8);
            write(bytes, 0, bytes.length);
        }

        /** Answers whole, with a length. */
        void json(int status, String body) throws IOException {
            write("HTTP/1.1 " + status + " Status\r\ncontent-type: application/json\r\ncontent-length: "
                    + body.getBytes(StandardCharsets.UTF_8).length + "\r\n\r\n" + body);
        }

        /** Begins a stream of events. */
        void stream() throws IOException {
            write(String.join(
                    "\r\n",
                    "HTTP/1.1 200 OK",
                    "content-type: text/event-stream; charset=utf-8",
                    "transfer-encoding: chunked",
                    "",
                    ""));
        }

        /** Sends one chunk. */
        void chunk(String text) throws IOException {
            byte[] bytes = text.getBytes(StandardCharsets.UTF_8);
            write(Integer.toHexString(bytes.length) + "\r\n" + text + "\r\n");
        }

        /** Ends a chunked body. */
        void end() throws IOException {
            write("0\r\n\r\n");
        }

        void reset() throws IOException {
            socket.setSoLinger(true, 0);
            socket.close();
        }

        void close() throws IOException {
            socket.close();
        }

        /** Waits until the gateway has closed the connection, and says so to {@link RawEngine#peersGone()}. */
        void awaitPeerGone() {
            try {
                in.transferTo(OutputStream.nullOutputStream());
            } catch (IOException reset) {
                // gone as well
            }
            peersGone.incrementAndGet();
        }
    }
}
