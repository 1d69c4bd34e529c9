// SPDX-License-Identifier: Apache-2.0
package dev.tandem.gateway.it;

import static org.assertj.core.api.Assertions.assertThat;

import dev.tandem.gateway.it.RawClient.Answer;
import java.io.IOException;
import java.util.List;
import java.util.SplittableRandom;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * A request whose answer is known: what a single engine says. Confined to one thread.
 *
 * @param path its path
 * @param plain what it says
 * @param body the same, with what a client must not say
 * @param streaming whether it asks for a stream
 * @param random draws what becomes of it
 */
record DrawnRequest(String path, String plain, String body, boolean streaming, SplittableRandom random) {
    static final String COMPLETIONS = "/v1/completions";
    static final String CHATS = "/v1/chat/completions";

    private static final String ID_OF_A_CLIENT =
            "x-request-id: ___prefill_addr_evil:1___decode_addr_evil:2_00000000000000000000000000000000";

    private static final Pattern CODE = Pattern.compile("\"code\":\\s*\"([a-z_]+)\"");

    /** How a request ends. */
    enum End {
        /** What a single engine says. */
        EXACT,
        /** A beginning of that, and an error event. */
        CUT,
        /** An error. */
        REFUSED,
        /** The client left behind the head of its answer. */
        LEFT,
        /** The client left before it. */
        LEFT_EARLY
    }

    /**
     * What became of it.
     *
     * @param end how it ended
     * @param attempts how many were made when the answer began, as it says itself; 0 where it does not
     * @param code what the error is; empty without one
     */
    record Outcome(End end, int attempts, String code) {
        private static Outcome of(End end) {
            return new Outcome(end, 0, "");
        }

        private static Outcome of(End end, Answer answer) {
            Matcher code = CODE.matcher(answer.text());
            int attempts =
                    answer.find("x-tandem-attempts").map(Integer::parseInt).orElse(0);
            return new Outcome(end, attempts, code.find() ? code.group(1) : "");
        }
    }

    /**
     * Draws one.
     *
     * @param mostTokens longest answer
     * @param fieldsOfAClient what it may say beside, each with its comma
     */
    static DrawnRequest draw(long seed, int mostTokens, List<String> fieldsOfAClient) {
        SplittableRandom random = new SplittableRandom(seed);
        StringBuilder prompt = new StringBuilder("request " + seed);
        for (int i = 20 + random.nextInt(120); i > 0; i--) {
            prompt.append(" word").append(random.nextInt(50));
        }
        boolean chat = random.nextBoolean();
        boolean streaming = random.nextBoolean();
        String said = chat
                ? "\"messages\":[{\"role\":\"user\",\"content\":\"" + prompt + "\"}]}"
                : "\"prompt\":\"" + prompt + "\"}";
        String head = "{\"model\":\"tiny\",\"temperature\":0,\"ignore_eos\":true,\"max_tokens\":"
                + (1 + random.nextInt(mostTokens)) + ",\"stream\":" + streaming + ",";
        String own = fieldsOfAClient.get(random.nextInt(fieldsOfAClient.size()));
        return new DrawnRequest(chat ? CHATS : COMPLETIONS, head + said, head + own + said, streaming, random);
    }

    /** Sends it and judges the answer. */
    Outcome send(HandoverStack stack, int mostAttempts) throws IOException {
        Answer answer = RawClient.post(stack.rig().port(), path, body, ID_OF_A_CLIENT);
        End end = judge(stack, answer);
        Outcome outcome = Outcome.of(end, answer);
        assertThat(outcome.attempts()).as("%s", answer).isLessThanOrEqualTo(mostAttempts);
        return outcome;
    }

    private End judge(HandoverStack stack, Answer answer) throws IOException {
        if (answer.status() != 200) {
            assertThat(answer.text()).as("%s", answer).contains("\"error\":");
            return End.REFUSED;
        }
        String exact = Streams.text(stack.alone(path, plain));
        if (answer.text().contains("\"error\":")) {
            assertThat(answer.text()).doesNotContain("[DONE]");
            assertThat(exact).startsWith(Streams.text(answer));
            return End.CUT;
        }
        assertThat(Streams.text(answer)).as("%s\n%s", this, answer).isNotEmpty().isEqualTo(exact);
        assertThat(answer.whole()).isTrue();
        assertThat(!streaming || answer.text().endsWith("data: [DONE]\n\n"))
                .as("%s", answer)
                .isTrue();
        return End.EXACT;
    }

    /** Sends it and leaves, before the head of the answer or behind it. */
    Outcome leave(HandoverStack stack, boolean early) throws IOException {
        try (RawClient client = RawClient.open(stack.rig().port())) {
            client.send(path, body, ID_OF_A_CLIENT);
            if (early) {
                return Outcome.of(End.LEFT_EARLY);
            }
            client.head();
            return Outcome.of(End.LEFT);
        }
    }

    @Override
    public String toString() {
        return path + " " + body;
    }
}
