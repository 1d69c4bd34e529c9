// SPDX-License-Identifier: Apache-2.0
package dev.tandem.simulator.llama;

import java.util.List;

/**
 * What a client wants generated. Immutable; the prompts must not be changed.
 *
 * @param prompts Prompts as tokens; several make as many independent answers.
 * @param limit Most tokens to generate; -1 for none but the context.
 * @param choices Answers per prompt, at least 1; they share the evaluation of the prompt.
 * @param slot Slot to run in, as the client gave it; {@link #ANY_SLOT} for the server's choice.
 * @param cachePrompt What the slot holds may be reused.
 * @param stream The answer is sent as events.
 * @param includeUsage A chat stream ends with the usage.
 * @param probabilities Alternatives shown per token; 0 for no log probabilities.
 * @param stops Texts that end the answer.
 * @param ignoreEnd The model does not end its answer by itself.
 */
record LlamaRequest(
        List<int[]> prompts,
        int limit,
        int choices,
        int slot,
        boolean cachePrompt,
        boolean stream,
        boolean includeUsage,
        int probabilities,
        List<String> stops,
        boolean ignoreEnd) {
    static final int ANY_SLOT = -1;

    LlamaRequest {
        prompts = List.copyOf(prompts);
        stops = List.copyOf(stops);
    }

    /** Returns true for what the prefill leg of a hand-over looks like: one token in a slot that the client chose. */
    boolean prefill() {
        return limit >= 0 && limit <= 1 && slot != ANY_SLOT;
    }
}
