// SPDX-License-Identifier: Apache-2.0
package dev.tandem.simulator.llama;

import java.util.ArrayList;
import java.util.EnumSet;
import java.util.List;
import java.util.Set;
import java.util.regex.Pattern;

/**
 * Everything in which the simulated llama-server may differ from the recorded one. A difference is a place and two
 * values; a rule allows it by the place and by the form of both values. Whatever no rule allows is an error, and so is
 * a rule that nothing needs. Confined to one test.
 */
final class FixtureRules {
    /** A difference that is meant. */
    enum Rule {
        /** Ids are drawn by chance; prefix and alphabet stay, and the length. */
        ID("(.*\\.)?id", "(chatcmpl|resp|msg)-?_?[A-Za-z0-9]{32}"),
        /** Seconds since 1970. */
        TIME("(.*\\.)?(created|created_at|completed_at)", "[0-9]{10}"),
        /** Milliseconds and what is computed from them. */
        DURATION(".*timings\\.\\w+_(ms|per_second)", "[0-9.E-]+"),
        /** What another model says, and its log probabilities. */
        TEXT(
                ".*(choices\\[]\\.text|content|content\\[]\\.(text|token|bytes\\[]|logprob)|delta\\.content"
                        + "|top_logprobs\\[]\\.(token|bytes\\[]|logprob))",
                "(?s).*"),
        /** Ids of another vocabulary. */
        TOKEN_ID("tokens\\[]|.*logprobs\\[]\\.id|.*logprobs\\.content\\[]\\.id", "[0-9]+"),
        /** Other tokenizer, other number of tokens; what of them is reused is compared apart. */
        TOKEN_COUNT(
                "usage\\..*|.*timings\\.(cache|prompt)_n|n_(saved|restored|erased)|error\\.n_prompt_tokens", "[0-9]+"),
        /** The same numbers in a message. */
        TOKEN_COUNT_IN_TEXT("error\\.message", "request \\([0-9]+ tokens\\) exceeds .*"),
        /** The simulator's own file format. */
        FILE_SIZE("n_(written|read)", "[0-9]+"),
        /** Facts of the recorded model, its path and a marker that is made from it. */
        MODEL("data\\[]\\.meta\\.n_(vocab|ctx_train)|model_path|media_marker", ".+"),
        /** Lists have as many elements as there are tokens or bytes in the text. */
        LENGTH_OF_LIST("(tokens|.*logprobs\\.content|.*bytes)\\[]\\.size", "[0-9]+"),
        /** One event per token here; the recorded model's bytes make some events wait and the last one vanish. */
        EVENTS_PER_TOKEN("events", "[0-9]+"),
        /** Values of counters and gauges. */
        METRIC_VALUE("metric llamacpp:\\w+", "[0-9.]+"),
        /** Follows from the body. */
        CONTENT_LENGTH("header Content-Length", "[0-9]+"),
        /** llama.cpp shows a clock that does not start in 1970. */
        PROCESS_START("header Process-Start-Time-Unix", "[0-9]{10}"),
        /** The HTTP library writes this name in lower case. */
        HEADER_CASE("header name Connection", "(?i)connection");

        private final Pattern place;
        private final Pattern form;

        Rule(String place, String form) {
            this.place = Pattern.compile(place);
            this.form = Pattern.compile(form);
        }
    }

    private final Set<Rule> used = EnumSet.noneOf(Rule.class);

    /** Returns the rules that have allowed something so far. */
    Set<Rule> used() {
        return EnumSet.copyOf(used);
    }

    /** Collects the differences of one exchange that no rule allows. */
    final class Findings {
        private final List<String> forbidden = new ArrayList<>();

        /** Compares two values at a place; {@code null} stands for something that is not there. */
        void compare(String place, String expected, String actual) {
            if (expected.equals(actual)) {
                return;
            }
            for (Rule rule : Rule.values()) {
                if (rule.place.matcher(place).matches()
                        && rule.form.matcher(expected).matches()
                        && rule.form.matcher(actual).matches()) {
                    used.add(rule);
                    return;
                }
            }
            forbidden.add(place + ": recorded <" + expected + "> simulated <" + actual + ">");
        }

        List<String> forbidden() {
            return List.copyOf(forbidden);
        }
    }
}
