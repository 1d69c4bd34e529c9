// SPDX-License-Identifier: Apache-2.0
package dev.tandem.bench.stress.field;

import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;

/** Reads the events of a stream, whatever chunks they come in: a proxy may split and join them. Used by one thread. */
final class EventReader {
    private static final String END = "\n\n";

    private final InputStream in;
    private final StringBuilder text = new StringBuilder();
    private boolean ended;

    /** Of a body in chunked coding, whose head has been read. */
    EventReader(InputStream in) {
        this.in = in;
    }

    /** Returns the next event with its empty line; what is left of the stream at its end; empty behind that. */
    String next() throws IOException {
        int end = text.indexOf(END);
        while (end < 0 && !ended) {
            byte[] chunk = Http.chunk(in);
            ended = chunk.length == 0;
            int seen = Math.max(0, text.length() - 1);
            text.append(new String(chunk, StandardCharsets.US_ASCII));
            end = text.indexOf(END, seen);
        }
        return taken(end < 0 ? text.length() : end + END.length());
    }

    private String taken(int length) {
        String event = text.substring(0, length);
        text.delete(0, length);
        return event;
    }
}
