// SPDX-License-Identifier: Apache-2.0
package dev.tandem.bench.stress.field;

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
public record Wish(Kind kind, int id, int count, int millis) {
    /** Model of all but floods. */
    static final String USUAL = "m";

    /** Model of floods: an engine that serves them has no time for anything else. */
    static final String FLOODING = "flood";

    private static final Pattern PROMPT = Pattern.compile("\"prompt\":\"([a-z]+) (\\d+) (\\d+) (\\d+)\"");
    private static final String DONE = "data: [DONE]\n\n";

    /** Kinds of answers. */
    public enum Kind {
        /** A stream of that many events, one after each pause. */
        DRIP(true),
        /** A stream of large events without pause and without end. */
        FLOOD(true),
        /** A stream of that many events, all of them after one pause. */
        BURST(true),
        /** A stream that ends after half of its events, without a word. */
        CUT(true),
        /** A whole answer, after some work of which an engine does a few pieces at a time. */
        WORK(false),
        /** The first time an error, then as {@link #WORK}. */
        REFUSE(false),
        /** The first time a reset connection, then as {@link #WORK}. */
        RESET(false),
        /** The first time the half of an answer, then as {@link #WORK}. */
        HALF(false);

        private final boolean streamed;

        Kind(boolean streamed) {
            this.streamed = streamed;
        }
    }

    public static Wish drip(int id, int count, int millis) {
        return new Wish(Kind.DRIP, id, count, millis);
    }

    public static Wish flood(int id) {
        return new Wish(Kind.FLOOD, id, 0, 0);
    }

    public static Wish work(int id, int millis) {
        return new Wish(Kind.WORK, id, 0, millis);
    }

    /** Returns the body of a completion that asks for this. */
    public String body() {
        return "{\"model\":\"%s\",\"prompt\":\"%s %d %d %d\",\"stream\":%b}"
                .formatted(
                        kind == Kind.FLOOD ? FLOODING : USUAL,
                        kind.name().toLowerCase(Locale.ROOT),
                        id,
                        count,
                        millis,
                        kind.streamed);
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

    /** Whether this is all that a client should get: the whole answer, or the notice that a stream has broken off. */
    public boolean granted(Answer answer) {
        if (answer.status() != 200) {
            return false;
        }
        String body = answer.body();
        return switch (kind) {
            case DRIP, BURST -> events(body) == count && body.endsWith(DONE);
            case CUT -> events(body) == count / 2 && body.contains("\"error\"") && !body.contains(DONE);
            case WORK, REFUSE, RESET, HALF -> body.equals(StressEngine.WHOLE);
            case FLOOD -> false;
        };
    }

    /** Returns how many events with text a piece of a stream has. */
    public static int events(String piece) {
        int found = 0;
        for (int at = piece.indexOf("\"text\""); at >= 0; at = piece.indexOf("\"text\"", at + 1)) {
            found++;
        }
        return found;
    }
}
