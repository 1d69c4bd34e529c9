// SPDX-License-Identifier: Apache-2.0
package dev.tandem.core.disagg.connector;

import dev.tandem.core.disagg.BodyEdits;
import dev.tandem.core.disagg.BodyEdits.Edit;
import dev.tandem.core.disagg.BodyEdits.Edit.Drop;
import dev.tandem.core.disagg.BodyEdits.Edit.Put;
import dev.tandem.core.disagg.BodyEdits.Edit.PutIfPresent;
import dev.tandem.core.disagg.Leg;
import dev.tandem.core.disagg.Pairing;
import dev.tandem.core.request.ApiKind;
import java.util.List;

/**
 * The edits that turn a request into its prefill leg: compute the KV cache, generate one token, stream nothing.
 *
 * <p>vLLM answers 400 to {@code stream_options} without {@code stream} and to {@code min_tokens} above
 * {@code max_tokens}; {@code max_completion_tokens} wins over {@code max_tokens}. Source: vLLM 0.32.0, recorded
 * 2026-11-21. Fields that shape the rendered prompt (tools, response format, stop) stay as they are, and so does
 * {@code prompt_logprobs}: nobody else computes the prompt.
 */
public final class ComputeOnly {
    private static final List<Edit> COMMON = List.of(
            new Put("stream", "false"),
            new Drop("stream_options"),
            new Drop("min_tokens"),
            new Drop("min_completion_tokens"),
            new PutIfPresent("n", "1"),
            new Drop("best_of"),
            new Drop("logprobs"),
            new Drop("top_logprobs"),
            new Drop("echo"));

    private static final Put AT_LEAST_ONE = new Put("min_tokens", "1");

    /** What an answer says of each token of its prompt, who computes the prompt says. */
    private static final Drop TOLD_BY_PREFILL = new Drop("prompt_logprobs");

    private ComputeOnly() {}

    /** Returns a decode leg that does no more than take over what prefill has sent. */
    public static Leg drained(Leg decode) {
        return withoutPrompt(decode).with(of(decode.api()).edits().toArray(Edit[]::new));
    }

    /**
     * Returns a decode leg that is not asked for the log-probabilities of a prompt that it does not compute.
     *
     * <p>A decode worker of vLLM that is asked for them computes the prompt a second time, or fails
     * (vllm-project/vllm#57269, #50792).
     */
    public static Leg withoutPrompt(Leg decode) {
        return decode.with(TOLD_BY_PREFILL);
    }

    /** Returns the prefill leg of a pair. */
    static Leg leg(Pairing pairing) {
        return new Leg(pairing.prefill().worker(), pairing.api(), of(pairing.api()));
    }

    /**
     * Returns the prefill leg for engines that hand over only what its limit has ended: without it, a model whose first
     * token ends the answer would leave decode nothing.
     *
     * <p>{@code /v1/responses} and {@code /v1/messages} have no such field. Source: vLLM 0.32.0, {@code check_stop} and
     * the requests' classes, 2026-11-22.
     */
    static Leg endedByItsLimit(Pairing pairing) {
        return switch (pairing.api()) {
            case COMPLETIONS, CHAT -> leg(pairing).with(AT_LEAST_ONE);
            default -> leg(pairing);
        };
    }

    /**
     * Returns the edits of the prefill leg.
     *
     * @throws IllegalArgumentException if the API generates nothing
     */
    static BodyEdits of(ApiKind api) {
        BodyEdits common = new BodyEdits(COMMON);
        return switch (api) {
            case COMPLETIONS -> common.and(new Put("max_tokens", "1"));
            case CHAT -> common.and(new Put("max_tokens", "1"), new PutIfPresent("max_completion_tokens", "1"));
            case MESSAGES -> common.and(new Put("max_tokens", "1"));
            case RESPONSES ->
                common.and(
                        new Put("max_output_tokens", "1"),
                        new PutIfPresent("background", "false"),
                        new Put("store", "false"));
            case EMBEDDINGS, RERANK, SCORE, TRANSCRIPTIONS, TOKENIZE, DETOKENIZE ->
                throw new IllegalArgumentException("api: " + api + " (expected: one that generates)");
        };
    }
}
