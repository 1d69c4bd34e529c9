// SPDX-License-Identifier: Apache-2.0
package dev.tandem.gateway.body;

import dev.tandem.core.disagg.BodyEdits;
import dev.tandem.core.disagg.BodyEdits.Edit;
import dev.tandem.core.disagg.BodyEdits.Edit.Drop;
import dev.tandem.core.request.ApiKind;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.stream.IntStream;
import java.util.stream.Stream;

/**
 * Completions with which one worker can go on where another has stopped, so that nobody sees the seam. Stateless.
 *
 * <p>The second worker takes the tokens of the first for a part of the prompt. That is exact only as long as nothing in
 * the request tells the two apart: stop texts may lie across the seam, penalties count generated tokens only, grammars
 * have a state, log-probabilities and seeds belong to positions. So only the fields below are allowed, not all but a
 * few.
 */
public final class Continuable {
    private static final String PROMPT = "prompt";
    private static final String MAX_TOKENS = "max_tokens";
    private static final String OPTIONS = "stream_options";

    private static final Set<String> FIELDS = Set.of(
            "model",
            PROMPT,
            MAX_TOKENS,
            "temperature",
            "top_p",
            "top_k",
            "min_p",
            "repetition_penalty",
            "logit_bias",
            "ignore_eos",
            "stop_token_ids",
            "stream",
            OPTIONS,
            "user",
            "priority");

    private static final Set<String> KNOWN_OPTIONS =
            Set.of("null", "{}", "{\"include_usage\":true}", "{\"include_usage\":false}");

    /** vLLM's default for completions; source: vLLM 0.32.0, recorded 2026-11-21. */
    private static final int DEFAULT_MAX_TOKENS = 16;

    private Continuable() {}

    /** Whether a request is one. */
    public static boolean is(ApiKind api, RequestBody body) {
        return api == ApiKind.COMPLETIONS && body instanceof RequestBody.Json json && is(json);
    }

    private static boolean is(RequestBody.Json body) {
        return names(body).allMatch(FIELDS::contains)
                && body.fields().indexOf(PROMPT) >= 0
                && maxTokens(body) > 1
                && body.text(OPTIONS)
                        .map(options -> KNOWN_OPTIONS.contains(options.replaceAll("\\s", "")))
                        .orElse(true);
    }

    /** Returns how many tokens may be generated; 0 when the body does not say it in a way that can be counted. */
    public static int maxTokens(RequestBody.Json body) {
        return body.text(MAX_TOKENS)
                .map(limit -> limit.matches("\\d{1,9}") ? Integer.parseInt(limit) : 0)
                .orElse(DEFAULT_MAX_TOKENS);
    }

    /** Returns the prompt as a JSON list of token ids, if the client has sent it so. */
    public static Optional<String> tokenIds(RequestBody.Json body) {
        return body.text(PROMPT).filter(prompt -> prompt.startsWith("["));
    }

    /** Returns the edits after which only what a tokenizer needs is left. */
    public static BodyEdits promptOnly(RequestBody.Json body) {
        List<Edit> drops = names(body)
                .filter(name -> !name.equals(PROMPT) && !name.equals("model"))
                .<Edit>map(Drop::new)
                .toList();
        return new BodyEdits(drops);
    }

    private static Stream<String> names(RequestBody.Json body) {
        TopLevelFields fields = body.fields();
        return IntStream.range(0, fields.count()).mapToObj(fields::name);
    }
}
