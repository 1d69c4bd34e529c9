// SPDX-License-Identifier: Apache-2.0
package dev.tandem.bench;

import io.netty.buffer.ByteBuf;
import java.nio.charset.StandardCharsets;

/**
 * Incremental reader of HTTP/1.1 messages, requests or responses, that keeps nothing but the head. Confined to one
 * channel.
 *
 * <p>It understands what a proxy in good health sends: {@code Content-Length}, chunked transfer coding, and a response
 * body that ends with the connection. Anything else is an {@link IllegalStateException}, which voids a run.
 */
public final class HttpReader {
    /** Receives the parts of each message in order. */
    public interface Sink {
        /**
         * A complete head, its final blank line included, is in {@code head[0..length)}; valid during the call only.
         */
        void onHead(byte[] head, int length);

        /** Body bytes without transfer framing; {@code data} is neither consumed nor kept. */
        void onBody(ByteBuf data, int index, int length);

        /** The message is complete. */
        void onEnd(boolean keepAlive);
    }

    private static final int MAX_HEAD = 16 * 1024;
    private static final int STEP = 1024;

    private final boolean response;
    private final Sink sink;
    private final byte[] head = new byte[MAX_HEAD];
    private int headLength;
    private Part part = Part.HEAD;
    private long remaining;
    private boolean lineEmpty;
    private boolean inExtension;
    private boolean keepAlive = true;

    public HttpReader(boolean response, Sink sink) {
        this.response = response;
        this.sink = sink;
    }

    /** Reads everything in {@code in}, which stays the caller's to release. */
    public void read(ByteBuf in) {
        while (in.isReadable()) {
            switch (part) {
                case HEAD -> readHead(in);
                case FIXED, CHUNK_DATA -> readData(in);
                case CHUNK_SIZE -> readChunkSize(in.readByte());
                case CHUNK_END -> readChunkEnd(in.readByte());
                case TRAILER -> readTrailer(in.readByte());
                case UNTIL_CLOSE -> {
                    sink.onBody(in, in.readerIndex(), in.readableBytes());
                    in.skipBytes(in.readableBytes());
                }
            }
        }
    }

    /** The connection has ended; returns whether that is a proper place for it. */
    boolean endsHere() {
        if (part == Part.UNTIL_CLOSE) {
            part = Part.HEAD;
            sink.onEnd(false);
            return true;
        }
        return part == Part.HEAD && headLength == 0;
    }

    private void readHead(ByteBuf in) {
        int count = Math.min(Math.min(in.readableBytes(), STEP), MAX_HEAD - headLength);
        if (count == 0) {
            throw new IllegalStateException("head: longer than " + MAX_HEAD + " bytes");
        }
        in.getBytes(in.readerIndex(), head, headLength, count);
        int end = endOfHead(Math.max(0, headLength - 3), headLength + count);
        if (end < 0) {
            headLength += count;
            in.skipBytes(count);
            return;
        }
        in.skipBytes(end - headLength);
        headLength = 0;
        begin(end);
    }

    private int endOfHead(int from, int to) {
        for (int i = from; i + 3 < to; i++) {
            if (head[i] == '\r' && head[i + 1] == '\n' && head[i + 2] == '\r' && head[i + 3] == '\n') {
                return i + 4;
            }
        }
        return -1;
    }

    private void begin(int length) {
        if (response && head[9] == '1') {
            return;
        }
        keepAlive = !hasToken(length, "connection", "close");
        String contentLength = header(head, length, "content-length");
        if (hasToken(length, "transfer-encoding", "chunked")) {
            chunk();
        } else if (!contentLength.isEmpty()) {
            remaining = Long.parseLong(contentLength);
            part = remaining == 0 ? Part.HEAD : Part.FIXED;
        } else {
            part = response && !bodiless() ? Part.UNTIL_CLOSE : Part.HEAD;
        }
        sink.onHead(head, length);
        if (part == Part.HEAD) {
            sink.onEnd(keepAlive);
        }
    }

    /** Returns whether the status in the head never has a body. */
    private boolean bodiless() {
        return (head[9] == '2' && head[10] == '0' && head[11] == '4') || (head[9] == '3' && head[11] == '4');
    }

    private boolean hasToken(int length, String name, String token) {
        return header(head, length, name).equalsIgnoreCase(token);
    }

    private void readData(ByteBuf in) {
        int count = (int) Math.min(remaining, in.readableBytes());
        sink.onBody(in, in.readerIndex(), count);
        in.skipBytes(count);
        remaining -= count;
        if (remaining == 0) {
            if (part == Part.CHUNK_DATA) {
                part = Part.CHUNK_END;
            } else {
                finish();
            }
        }
    }

    private void chunk() {
        part = Part.CHUNK_SIZE;
        remaining = 0;
        lineEmpty = true;
        inExtension = false;
    }

    private void readChunkSize(byte next) {
        int digit = Character.digit(next, 16);
        if (next == '\n') {
            if (lineEmpty) {
                throw new IllegalStateException("chunk: no size");
            }
            part = remaining == 0 ? Part.TRAILER : Part.CHUNK_DATA;
            lineEmpty = true;
        } else if (next == ';' || inExtension || next == '\r') {
            inExtension = true;
        } else if (digit >= 0 && remaining < Integer.MAX_VALUE) {
            remaining = remaining * 16 + digit;
            lineEmpty = false;
        } else {
            throw new IllegalStateException("chunk: byte " + next + " in its size");
        }
    }

    private void readChunkEnd(byte next) {
        if (next == '\n') {
            chunk();
        } else if (next != '\r') {
            throw new IllegalStateException("chunk: longer than its size");
        }
    }

    private void readTrailer(byte next) {
        if (next == '\n') {
            if (lineEmpty) {
                finish();
            }
            lineEmpty = true;
        } else if (next != '\r') {
            lineEmpty = false;
        }
    }

    private void finish() {
        part = Part.HEAD;
        sink.onEnd(keepAlive);
    }

    /** Returns the value of the first header with this lower-case name in a head, or an empty text. */
    static String header(byte[] head, int length, String name) {
        int line = 0;
        while (line < length) {
            int end = line;
            while (end < length && head[end] != '\r') {
                end++;
            }
            if (end - line > name.length() && head[line + name.length()] == ':' && named(head, line, name)) {
                int from = line + name.length() + 1;
                return new String(head, from, end - from, StandardCharsets.ISO_8859_1).trim();
            }
            line = end + 2;
        }
        return "";
    }

    private static boolean named(byte[] head, int line, String name) {
        for (int i = 0; i < name.length(); i++) {
            if (Character.toLowerCase(head[line + i]) != name.charAt(i)) {
                return false;
            }
        }
        return true;
    }

    /** Where in a message the reader is. */
    private enum Part {
        /** Start line and headers. */
        HEAD,
        /** A body of known length. */
        FIXED,
        /** The line before a chunk. */
        CHUNK_SIZE,
        /** Inside a chunk. */
        CHUNK_DATA,
        /** The line end behind a chunk. */
        CHUNK_END,
        /** Lines behind the last chunk. */
        TRAILER,
        /** A response body that the end of the connection ends. */
        UNTIL_CLOSE
    }
}
