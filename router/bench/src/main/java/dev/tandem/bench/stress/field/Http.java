// SPDX-License-Identifier: Apache-2.0
package dev.tandem.bench.stress.field;

import java.io.BufferedInputStream;
import java.io.EOFException;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.util.HashMap;
import java.util.Locale;
import java.util.Map;

/** The little HTTP/1.1 that both ends need, on blocking streams. No state. */
final class Http {
    private static final int LONGEST_LINE = 16_384;

    private Http() {}

    /**
     * A request or an answer up to its body. Immutable.
     *
     * @param first Its first line.
     * @param headers The first value of each header, by names in lower case.
     */
    record Head(String first, Map<String, String> headers) {
        Head {
            headers = Map.copyOf(headers);
        }

        /** Returns the status of an answer. */
        int status() {
            return Integer.parseInt(first.split(" ", 3)[1]);
        }

        /** Returns the path of a request. */
        String path() {
            return first.split(" ", 3)[1];
        }

        private boolean chunked() {
            return headers.getOrDefault("transfer-encoding", "").equalsIgnoreCase("chunked");
        }

        private int length() {
            return Integer.parseInt(headers.getOrDefault("content-length", "0"));
        }
    }

    static InputStream buffered(InputStream in) {
        return new BufferedInputStream(in, 2_048);
    }

    static Head head(InputStream in) throws IOException {
        String first = line(in);
        Map<String, String> headers = new HashMap<>();
        for (String line = line(in); !line.isEmpty(); line = line(in)) {
            int colon = line.indexOf(':');
            if (colon > 0) {
                headers.putIfAbsent(
                        line.substring(0, colon).toLowerCase(Locale.ROOT),
                        line.substring(colon + 1).trim());
            }
        }
        return new Head(first, headers);
    }

    static String body(InputStream in, Head head) throws IOException {
        if (!head.chunked()) {
            return new String(exactly(in, head.length()), StandardCharsets.UTF_8);
        }
        StringBuilder all = new StringBuilder();
        for (byte[] chunk = chunk(in); chunk.length > 0; chunk = chunk(in)) {
            all.append(new String(chunk, StandardCharsets.UTF_8));
        }
        return all.toString();
    }

    /** Reads one chunk; the last one is empty. */
    static byte[] chunk(InputStream in) throws IOException {
        byte[] chunk = exactly(in, Integer.parseInt(line(in), 16));
        line(in);
        return chunk;
    }

    private static byte[] exactly(InputStream in, int length) throws IOException {
        byte[] bytes = in.readNBytes(length);
        if (bytes.length < length) {
            throw new EOFException("the connection ended inside a body");
        }
        return bytes;
    }

    private static String line(InputStream in) throws IOException {
        StringBuilder line = new StringBuilder();
        for (int next = in.read(); next != '\n'; next = in.read()) {
            if (next < 0 || line.length() > LONGEST_LINE) {
                throw new EOFException("the connection ended inside a line");
            }
            if (next != '\r') {
                line.append((char) next);
            }
        }
        return line.toString();
    }
}
