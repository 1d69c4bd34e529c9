// SPDX-License-Identifier: Apache-2.0
package dev.tandem.bench.handover;

/**
 * What a client has seen of one completion. Immutable.
 *
 * @param number Number of the {@link Ask}.
 * @param sentNanos It was about to be sent.
 * @param firstNanos The first token had come.
 * @param secondNanos The second token had come.
 * @param fault What was wrong with the answer; empty if nothing was.
 */
record Exchange(int number, long sentNanos, long firstNanos, long secondNanos, String fault) {
    private static final String END = "data: [DONE]\n\n";
    private static final int SHOWN = 200;

    /** Judges an answer. */
    static Exchange of(int number, Connection.Answer answer) {
        String body = answer.body();
        boolean whole = answer.status() == 200
                && body.endsWith(END)
                && !body.contains("\"error\"")
                && events(body) >= Ask.ANSWER_TOKENS;
        String fault = whole ? "" : answer.status() + " " + body.substring(0, Math.min(SHOWN, body.length()));
        return new Exchange(number, answer.sentNanos(), answer.firstNanos(), answer.secondNanos(), fault);
    }

    /** Makes one without an answer. */
    static Exchange failed(int number, Exception why) {
        return new Exchange(number, 0, 0, 0, why.toString());
    }

    private static int events(String body) {
        int count = 0;
        for (int at = body.indexOf("data: {"); at >= 0; at = body.indexOf("data: {", at + 1)) {
            count++;
        }
        return count;
    }
}
