// SPDX-License-Identifier: Apache-2.0
package dev.tandem.bench.handover;

import dev.tandem.bench.HttpReader;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import java.io.IOException;
import java.net.InetAddress;
import java.net.Socket;
import java.nio.charset.StandardCharsets;

/** A kept connection on which one request at a time is sent and its answer awaited. Used by one thread. */
final class Connection implements AutoCloseable, HttpReader.Sink {
    private static final int SILENCE_MILLIS = 10_000;
    private static final String SEAM = "\n\ndata: ";

    private final int port;
    private final byte[] buffer = new byte[16 * 1024];
    private HttpReader reader = new HttpReader(true, this);
    private Socket socket = new Socket();
    private StringBuilder body = new StringBuilder();
    private int status;
    private boolean complete;
    private long readNanos;
    private long firstNanos;
    private long secondNanos;

    /**
     * An answer.
     *
     * @param status HTTP status.
     * @param sentNanos The request was about to be written.
     * @param firstNanos The first bytes of the body had come.
     * @param secondNanos Bytes of the stream's second event had come; {@code firstNanos} if there is none.
     * @param body The whole body.
     */
    record Answer(int status, long sentNanos, long firstNanos, long secondNanos, String body) {}

    /** Makes one that connects when it is needed. */
    Connection(int port) {
        this.port = port;
    }

    /** Sends a request and returns its whole answer. */
    Answer ask(byte[] request) throws IOException {
        if (!socket.isConnected() || socket.isClosed()) {
            connect();
        }
        complete = false;
        firstNanos = 0;
        secondNanos = 0;
        body = new StringBuilder();
        long sentNanos = System.nanoTime();
        socket.getOutputStream().write(request);
        while (!complete) {
            read();
        }
        return new Answer(status, sentNanos, firstNanos, secondNanos == 0 ? firstNanos : secondNanos, body.toString());
    }

    @Override
    public void onHead(byte[] head, int length) {
        status = Integer.parseInt(new String(head, 9, 3, StandardCharsets.US_ASCII));
    }

    @Override
    public void onBody(ByteBuf data, int index, int length) {
        if (firstNanos == 0) {
            firstNanos = readNanos;
        }
        body.append(data.toString(index, length, StandardCharsets.UTF_8));
        if (secondNanos == 0 && body.indexOf(SEAM) >= 0) {
            secondNanos = readNanos;
        }
    }

    @Override
    public void onEnd(boolean keepAlive) {
        complete = true;
        if (!keepAlive) {
            close();
        }
    }

    @Override
    public void close() {
        try {
            socket.close();
        } catch (IOException e) {
            throw new java.io.UncheckedIOException(e);
        }
    }

    private void connect() throws IOException {
        reader = new HttpReader(true, this);
        socket = new Socket(InetAddress.getLoopbackAddress(), port);
        socket.setTcpNoDelay(true);
        socket.setSoTimeout(SILENCE_MILLIS);
    }

    private void read() throws IOException {
        int count = socket.getInputStream().read(buffer);
        readNanos = System.nanoTime();
        if (count < 0) {
            throw new IOException("connection closed after " + body.length() + " characters of an answer");
        }
        reader.read(Unpooled.wrappedBuffer(buffer, 0, count));
    }
}
