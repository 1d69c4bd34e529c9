// SPDX-License-Identifier: Apache-2.0
package dev.tandem.bench.stress.field;

import java.util.Map;

/**
 * An answer that has been read to its end. Immutable.
 *
 * @param status Its status.
 * @param headers The first value of each header, by names in lower case.
 * @param body Its body without framing.
 */
public record Answer(int status, Map<String, String> headers, String body) {
    private static final int SHOWN = 200;

    public Answer {
        headers = Map.copyOf(headers);
    }

    /** Returns the id of the worker that answered, empty if none did. */
    public String worker() {
        return headers.getOrDefault("x-tandem-decode", "");
    }

    /** Returns how many times the gateway has tried, 0 if it does not say so. */
    public int attempts() {
        return Integer.parseInt(headers.getOrDefault("x-tandem-attempts", "0"));
    }

    /** Whether the connection ends behind this answer. */
    public boolean closes() {
        return headers.getOrDefault("connection", "").equalsIgnoreCase("close");
    }

    @Override
    public String toString() {
        return status + " " + body.substring(0, Math.min(SHOWN, body.length()));
    }
}
