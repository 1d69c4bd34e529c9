// SPDX-License-Identifier: Apache-2.0
package dev.tandem.gateway.trial;

import java.util.List;
import java.util.SplittableRandom;
import tools.jackson.databind.json.JsonMapper;

/**
 * A prompt that is new each time from its first word on, so that no cache answers for the hand-over, and whose likely
 * continuation stands at its beginning, so that an answer made with another KV cache shows. Immutable.
 *
 * @param number what makes it new
 * @param words words between beginning and end
 */
record TrialPrompt(long number, int words) {
    private static final int ANSWER_TOKENS = 16;
    private static final JsonMapper JSON = JsonMapper.shared();
    private static final List<String> NOUNS = List.of(
            "river", "stone", "lamp", "garden", "window", "paper", "bridge", "copper", "winter", "letter", "engine",
            "harbor", "pocket", "silver", "valley", "orange");

    /** Returns the text. */
    String text() {
        SplittableRandom choice = new SplittableRandom(number);
        String ticket = Long.toUnsignedString(number, 36);
        StringBuilder text = new StringBuilder("Ticket ").append(ticket).append(" opens this list:");
        for (int word = 0; word < words; word++) {
            text.append(' ').append(NOUNS.get(choice.nextInt(NOUNS.size())));
        }
        return text.append(". The list ends here. It was opened by ticket").toString();
    }

    /** Returns the body of a request for {@code /v1/completions}. */
    String json(String model) {
        return JSON.createObjectNode()
                .put("model", model)
                .put("prompt", text())
                .put("max_tokens", ANSWER_TOKENS)
                .put("temperature", 0)
                .put("ignore_eos", true)
                .toString();
    }

    /** Returns an estimate of its tokens, as the gateway makes it for clients' prompts. */
    int tokens() {
        return text().length() / 4;
    }
}
