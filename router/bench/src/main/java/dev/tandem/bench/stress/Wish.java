// SPDX-License-Identifier: Apache-2.0
package dev.tandem.bench.stress;

import java.util.Locale;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * How an engine is to answer a request; clients write it into the prompt. Immutable.
 *
 * @param kind What kind of answer.
 * @param id Number of the request, which the engine tells when its peer leaves.
 * @param count Events of a stream.
 * @param millis Pause before each event, or time of work.
 */
record Wish(Kind kind, int id, int count, int millis) {
    private static final Pattern PROMPT = Pattern.compile("\"prompt\":\"([a-z]+) (\\d+) (\\d+) (\\d+)\"");

    /** Kinds of answers. */
    enum Kind {
        /** A stream of that many events, one after each pause. */
        DRIP,
        /** A stream of large events without pause and without end. */
        FLOOD,
        /** A whole answer, after some work of which an engine does a few pieces at a time. */
        WORK
    }

    static Wish drip(int id, int count, int millis) {
        return new Wish(Kind.DRIP, id, count, millis);
    }

    static Wish flood(int id) {
        return new Wish(Kind.FLOOD, id, 0, 0);
    }

    static Wish work(int id, int millis) {
        return new Wish(Kind.WORK, id, 0, millis);
    }

    /** Returns the body of a completion that asks for this. */
    String body() {
        return "{\"model\":\"m\",\"prompt\":\"%s %d %d %d\",\"stream\":%b}"
                .formatted(kind.name().toLowerCase(Locale.ROOT), id, count, millis, kind != Kind.WORK);
    }

    /** Reads the body of a completion. */
    static Wish in(String body) {
        Matcher found = PROMPT.matcher(body);
        if (!found.find()) {
            throw new IllegalArgumentException("body: " + body + " (expected: a wish)");
        }
        return new Wish(
                Kind.valueOf(found.group(1).toUpperCase(Locale.ROOT)),
                Integer.parseInt(found.group(2)),
                Integer.parseInt(found.group(3)),
                Integer.parseInt(found.group(4)));
    }
}
