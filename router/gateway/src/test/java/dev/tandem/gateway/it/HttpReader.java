// SPDX-License-Identifier: Apache-2.0
package dev.tandem.gateway.it;

import java.io.ByteArrayOutputStream;
import java.io.EOFException;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/** Reads HTTP/1.1 messages from a socket, byte for byte and at the pace at which they come. Confined to one thread. */
final class HttpReader {
    private final InputStream in;

    HttpReader(InputStream in) {
        this.in = in;
    }

    /** Returns the next head, or null when the peer has closed before its first byte. */
    @Nullable
    Head head() throws IOException {
        String first = line();
        if (first == null) {
            return null;
        }
        List<Map.Entry<String, String>> headers = new ArrayList<>();
        for (String line = required(); !line.isEmpty(); line = required()) {
            int colon = line.indexOf(':');
            headers.add(Map.entry(
                    line.substring(0, colon).toLowerCase(Locale.ROOT),
                    line.substring(colon + 1).strip()));
        }
        return new Head(first, List.copyOf(headers));
    }

    /**
     * Returns the body behind a head. Reading it fails with {@link EOFException} when the peer closes too early.
     *
     * @param untilClose whether a body without any framing lasts until the peer closes
     */
    InputStream body(Head head, boolean untilClose) {
        if (head.header("transfer-encoding").isPresent()) {
            return new Chunked();
        }
        return head.header("content-length")
                .<InputStream>map(length -> new Sized(Long.parseLong(length)))
                .orElseGet(() -> untilClose ? in : InputStream.nullInputStream());
    }

    private @Nullable String line() throws IOException {
        ByteArrayOutputStream line = new ByteArrayOutputStream();
        for (int b = in.read(); b != '\n'; b = in.read()) {
            if (b < 0) {
                if (line.size() > 0) {
                    throw new EOFException("inside a line: " + line.toString(StandardCharsets.UTF_8));
                }
                return null;
            }
            if (b != '\r') {
                line.write(b);
            }
        }
        return line.toString(StandardCharsets.UTF_8);
    }

    private String required() throws IOException {
        String line = line();
        if (line == null) {
            throw new EOFException("inside a head or between chunks");
        }
        return line;
    }

    /**
     * First line and headers of a message. Immutable.
     *
     * @param first request line or status line
     * @param headers names in lower case, in the order in which they came
     */
    record Head(String first, List<Map.Entry<String, String>> headers) {
        Optional<String> header(String name) {
            return headers.stream()
                    .filter(header -> header.getKey().equals(name))
                    .map(Map.Entry::getValue)
                    .findFirst();
        }

        /** Returns a word of the first line. */
        String word(int index) {
            return List.of(first.split(" ", 3)).get(index);
        }
    }

    /** A body of known length. */
    private final class Sized extends InputStream {
        private long left;

        private Sized(long length) {
            this.left = length;
        }

        @Override
        public int read() throws IOException {
            return one(this);
        }

        @Override
        public int read(byte[] to, int offset, int length) throws IOException {
            if (left == 0) {
                return -1;
            }
            int read = in.read(to, offset, (int) Math.min(length, left));
            if (read < 0) {
                throw new EOFException("closed with " + left + " bytes missing");
            }
            left -= read;
            return read;
        }
    }

    /** A body in chunks; a read never goes beyond one chunk. */
    private final class Chunked extends InputStream {
        private long left;
        private boolean begun;
        private boolean ended;

        @Override
        public int read() throws IOException {
            return one(this);
        }

        @Override
        public int read(byte[] to, int offset, int length) throws IOException {
            if (length == 0) {
                return 0; // without a wait for the next chunk
            }
            if (left == 0 && !ended) {
                next();
            }
            if (ended) {
                return -1;
            }
            int read = in.read(to, offset, (int) Math.min(length, left));
            if (read < 0) {
                throw new EOFException("closed inside a chunk");
            }
            left -= read;
            return read;
        }

        private void next() throws IOException {
            if (begun) {
                required();
            }
            begun = true;
            left = Long.parseLong(required().split(";", 2)[0], 16);
            if (left == 0) {
                required();
                ended = true;
            }
        }
    }

    private static int one(InputStream from) throws IOException {
        byte[] one = new byte[1];
        return from.read(one, 0, 1) < 0 ? -1 : one[0] & 0xFF;
    }
}
