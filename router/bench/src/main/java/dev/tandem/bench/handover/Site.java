// SPDX-License-Identifier: Apache-2.0
package dev.tandem.bench.handover;

import java.util.List;

/**
 * A simulated engine that runs. Immutable.
 *
 * @param pool Pool that it belongs to.
 * @param side What it is there.
 * @param port HTTP port on loopback.
 * @param kvPort Port at which it hands KV over; 0 without one.
 */
record Site(String pool, Side side, int port, int kvPort) {
    private static final String FIRST_WORD = "engine";

    /** Returns the address that the gateway uses. */
    String url() {
        return "http://127.0.0.1:" + port;
    }

    /** Returns one line of text that {@link #parse} reads. */
    String line() {
        return String.join(" ", List.of(FIRST_WORD, pool, side.name(), Integer.toString(port), "" + kvPort));
    }

    /** Reads a line; throws {@link IllegalArgumentException} for another text. */
    static Site parse(String line) {
        String[] words = line.split(" ", -1);
        if (words.length != 5 || !words[0].equals(FIRST_WORD)) {
            throw new IllegalArgumentException("engine: " + line + " (expected: a line about one)");
        }
        return new Site(words[1], Side.valueOf(words[2]), Integer.parseInt(words[3]), Integer.parseInt(words[4]));
    }
}
