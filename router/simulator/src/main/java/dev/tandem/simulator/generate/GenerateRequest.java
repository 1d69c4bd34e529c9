// SPDX-License-Identifier: Apache-2.0
package dev.tandem.simulator.generate;

import dev.tandem.simulator.engine.Limits;
import dev.tandem.simulator.text.ContentHash;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * A checked request for text, whatever API it came by. Immutable; arrays must not be changed.
 *
 * @param id Id in the answer, prefix included.
 * @param created Arrival, seconds since 1970.
 * @param prompts Rendered prompts, at least one.
 * @param sampling How to generate.
 * @param streaming How to answer.
 * @param returnTokenIds The answer carries token ids.
 * @param forced The form that the answer is forced into; null for free text.
 * @param salt The request's {@code cache_salt}; empty without one.
 */
public record GenerateRequest(
        String id,
        long created,
        List<Prompt> prompts,
        Sampling sampling,
        Streaming streaming,
        boolean returnTokenIds,
        @Nullable ForcedAnswer forced,
        String salt) {
    /** Copies the list. */
    public GenerateRequest {
        prompts = List.copyOf(prompts);
    }

    /** Returns the number of answers: every prompt has {@code n}. */
    public int choices() {
        return prompts.size() * sampling.n();
    }

    /** Returns the prompt of an answer. */
    public Prompt promptOf(int choice) {
        return prompts.get(choice / sampling.n());
    }

    /** Returns this request with the limit of one token. */
    public GenerateRequest forOneToken() {
        Limits limits = sampling.limits();
        Limits one = new Limits(1, Math.min(1, limits.minTokens()), limits.ignoreEnd(), limits.stopTokens());
        Sampling first = new Sampling(
                sampling.n(),
                one,
                sampling.stops(),
                sampling.includeStop(),
                sampling.logprobs(),
                sampling.promptLogprobs());
        return new GenerateRequest(id, created, prompts, first, streaming, returnTokenIds, forced, salt);
    }

    /** Returns a number that stands for the first prompt and its salt. */
    public long digest() {
        return digest(prompts.getFirst().tokens().length);
    }

    /** Returns the same number for a prompt that ends after these tokens, or earlier if it has fewer. */
    public long digest(int first) {
        int[] tokens = prompts.getFirst().tokens();
        return digest(tokens, Math.min(first, tokens.length));
    }

    /** Returns the same number for the first of other tokens. */
    public long digest(int[] tokens, int first) {
        return ContentHash.extend(ContentHash.of(salt), tokens, 0, first);
    }

    /** Returns the tokens of all prompts. */
    public int promptTokens() {
        return prompts.stream().mapToInt(prompt -> prompt.tokens().length).sum();
    }

    /**
     * A rendered prompt.
     *
     * @param tokens Its tokens.
     * @param echo Text to repeat before the answer; null for none.
     */
    @SuppressWarnings("ArrayRecordComponent") // never compared; copying long prompts would cost
    public record Prompt(int[] tokens, @Nullable String echo) {}

    /**
     * How to generate.
     *
     * @param n Answers per prompt.
     * @param limits When answers end.
     * @param stops Stop strings.
     * @param includeStop The answer contains the stop string.
     * @param logprobs Alternatives per token; -1 for no logprobs.
     * @param promptLogprobs Alternatives per prompt token; -1 for none.
     */
    public record Sampling(
            int n, Limits limits, List<String> stops, boolean includeStop, int logprobs, int promptLogprobs) {
        /** Copies the list. */
        public Sampling {
            stops = List.copyOf(stops);
        }
    }

    /**
     * How to answer.
     *
     * @param stream As server-sent events.
     * @param usage With a last event for the usage.
     * @param continuousUsage With usage in every event.
     */
    public record Streaming(boolean stream, boolean usage, boolean continuousUsage) {}
}
