// SPDX-License-Identifier: Apache-2.0
package dev.tandem.bench.stress.field;

import dev.tandem.simulator.http.SeenRequest;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * What simulated engines have been asked for. Immutable.
 *
 * @param prefill Different requests that the prefill engines have seen.
 * @param decode Those that the decode engines have seen.
 * @param twice Requests that came more than once to engines of one role.
 * @param violations Legs that a correct gateway does not send.
 */
public record Ledger(long prefill, long decode, long twice, long violations) {
    /** Begins the line of text. */
    static final String FIRST_WORD = "ledger";

    private static final String COMPLETIONS = "/v1/completions";
    private static final Pattern NUMBER = Pattern.compile("\"prompt\":\"(\\d+) ");

    /** Returns the start of a prompt that tells requests apart. */
    public static String prompt(int number) {
        return number + " ";
    }

    static Ledger of(List<SeenRequest> prefill, List<SeenRequest> decode) {
        Map<Integer, Integer> first = byNumber(prefill);
        Map<Integer, Integer> second = byNumber(decode);
        return new Ledger(
                first.size(), second.size(), twice(first) + twice(second), violations(prefill) + violations(decode));
    }

    private static Map<Integer, Integer> byNumber(List<SeenRequest> requests) {
        Map<Integer, Integer> counts = new HashMap<>();
        for (SeenRequest request : requests) {
            Matcher number = NUMBER.matcher(request.bodyText());
            if (request.path().equals(COMPLETIONS) && number.find()) {
                counts.merge(Integer.valueOf(number.group(1)), 1, Integer::sum);
            }
        }
        return counts;
    }

    private static long twice(Map<Integer, Integer> counts) {
        return counts.values().stream().filter(count -> count > 1).count();
    }

    private static long violations(List<SeenRequest> requests) {
        return requests.stream().filter(seen -> seen.violation().isPresent()).count();
    }

    /** Returns how many requests there are beyond those that clients have sent. */
    public long beyond(long sent) {
        return Math.max(0, Math.max(prefill, decode) - sent);
    }

    /** Returns one line of text that {@link #parse} reads. */
    String line() {
        return FIRST_WORD + " " + prefill + " " + decode + " " + twice + " " + violations;
    }

    /** Reads a line; throws {@link IllegalArgumentException} for another text. */
    static Ledger parse(String line) {
        String[] words = line.split(" ", -1);
        if (words.length != 5 || !words[0].equals(FIRST_WORD)) {
            throw new IllegalArgumentException("ledger: " + line + " (expected: a line of one)");
        }
        return new Ledger(
                Long.parseLong(words[1]), Long.parseLong(words[2]), Long.parseLong(words[3]), Long.parseLong(words[4]));
    }
}
