// SPDX-License-Identifier: Apache-2.0
package dev.tandem.bench;

import java.nio.charset.StandardCharsets;

/**
 * What one exchange of the benchmark looks like on the wire. Immutable.
 *
 * <p>The shape travels to the fake worker as a marker at the start of the prompt, so that the worker can answer without
 * parsing JSON, whichever fields a proxy adds, drops or reorders.
 *
 * @param bodyBytes Exact size of the request body, at least {@link Traffic#MIN_BODY_BYTES}.
 * @param events Content events of a streamed answer; 0 asks for one JSON answer.
 * @param pauseMicros Pause between two events in microseconds; 0 writes them one after the other.
 */
record Shape(int bodyBytes, int events, long pauseMicros) {
    private static final byte[] OPENING = "#p".getBytes(StandardCharsets.US_ASCII);

    Shape {
        if (bodyBytes < Traffic.MIN_BODY_BYTES || events < 0 || pauseMicros < 0) {
            throw new IllegalArgumentException("shape: " + bodyBytes + "/" + events + "/" + pauseMicros
                    + " (expected: body >= " + Traffic.MIN_BODY_BYTES + ", others >= 0)");
        }
    }

    /** Returns the marker for one prompt, which {@link #find} reads back. */
    String marker(int prompt) {
        return "#p" + prompt + " n" + events + " q" + pauseMicros + " b" + bodyBytes + "#";
    }

    boolean streamed() {
        return events > 0;
    }

    /**
     * A marker found in a request body.
     *
     * @param prompt Index of the prompt.
     * @param shape What the client asked for.
     */
    record Found(int prompt, Shape shape) {}

    /**
     * Returns the marker in the first {@code length} bytes; a body without one is an {@link IllegalArgumentException}.
     */
    static Found find(byte[] body, int length) {
        int at = indexOf(body, length, OPENING);
        if (at < 0) {
            throw new IllegalArgumentException("marker: none in the first " + length + " bytes of the body");
        }
        long[] numbers = new long[4];
        int field = 0;
        for (int i = at + 2; i < length; i++) {
            byte next = body[i];
            if (next == '#' && field == 3) {
                return new Found((int) numbers[0], new Shape((int) numbers[3], (int) numbers[1], numbers[2]));
            } else if (next >= '0' && next <= '9') {
                numbers[field] = numbers[field] * 10 + (next - '0');
            } else if (next == ' ' && field < 3 && i + 1 < length) {
                field++;
                i++;
            } else {
                break;
            }
        }
        throw new IllegalArgumentException("marker: incomplete at byte " + at);
    }

    /** Returns the first position of {@code wanted} in the first {@code length} bytes, or -1. */
    static int indexOf(byte[] bytes, int length, byte[] wanted) {
        for (int at = 0; at + wanted.length <= length; at++) {
            int same = 0;
            while (same < wanted.length && bytes[at + same] == wanted[same]) {
                same++;
            }
            if (same == wanted.length) {
                return at;
            }
        }
        return -1;
    }
}
