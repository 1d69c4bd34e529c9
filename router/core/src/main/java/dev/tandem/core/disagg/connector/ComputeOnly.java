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
 * 2026-11-21. Fields that shape the rendered prompt (tools, response format, stop) stay as they are.
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
            new Drop("prompt_logprobs"),
            new Drop("echo"));

    private ComputeOnly() {}

    /** Returns a decode leg that does no more than take over what prefill has sent. */
    public static Leg drained(Leg decode) {
        return decode.with(of(decode.api()).edits().toArray(Edit[]::new));
    }

    /** Returns the prefill leg of a pair. */
    static Leg leg(Pairing pairing) {
        return new Leg(pairing.prefill().worker(), pairing.api(), of(pairing.api()));
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
