// SPDX-License-Identifier: Apache-2.0
package dev.tandem.gateway.body;

import dev.tandem.core.disagg.BodyEdits;
import dev.tandem.core.disagg.BodyEdits.Edit;
import dev.tandem.core.disagg.BodyEdits.Edit.Drop;
import dev.tandem.core.request.ApiKind;
import java.util.List;
import java.util.Optional;
import java.util.Set;

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

    /** Fields that say how a token is drawn, whatever was drawn before it. */
    static final Set<String> SAMPLING = Set.of(
            "model",
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

    private static final Set<String> OWN = Set.of(PROMPT, MAX_TOKENS);

    private static final Set<String> KNOWN_OPTIONS =
            Set.of("null", "{}", "{\"include_usage\":true}", "{\"include_usage\":false}");

    /** vLLM's default for completions; source: vLLM 0.32.0, recorded 2026-11-21. */
    static final int DEFAULT_MAX_TOKENS = 16;

    private Continuable() {}

    /** Whether a request is one. */
    public static boolean is(ApiKind api, RequestBody body) {
        return api == ApiKind.COMPLETIONS && body instanceof RequestBody.Json json && is(json);
    }

    private static boolean is(RequestBody.Json body) {
        return body.names().allMatch(name -> SAMPLING.contains(name) || OWN.contains(name))
                && body.fields().indexOf(PROMPT) >= 0
                && maxTokens(body) > 1
                && knownOptions(body);
    }

    /** Whether the options of the stream, if there are any, want no more than the usage at its end. */
    static boolean knownOptions(RequestBody.Json body) {
        return body.text(OPTIONS)
                .map(options -> KNOWN_OPTIONS.contains(options.replaceAll("\\s", "")))
                .orElse(true);
    }

    /** Returns how many tokens may be generated; 0 when the body does not say it in a way that can be counted. */
    public static int maxTokens(RequestBody.Json body) {
        return body.text(MAX_TOKENS)
                .map(Continuable::count)
                .map(limit -> Math.max(limit, 0))
                .orElse(DEFAULT_MAX_TOKENS);
    }

    /** Returns a limit of tokens; 0 when there is none, -1 when it cannot be counted. */
    static int limit(RequestBody.Json body, String field) {
        return body.text(field)
                .filter(value -> !value.equals("null"))
                .map(Continuable::count)
                .orElse(0);
    }

    private static int count(String value) {
        return value.matches("\\d{1,9}") ? Integer.parseInt(value) : -1;
    }

    /** Returns the prompt as a JSON list of token ids, if the client has sent it so. */
    public static Optional<String> tokenIds(RequestBody.Json body) {
        return body.text(PROMPT).filter(prompt -> prompt.startsWith("["));
    }

    /** Returns the edits after which only what a tokenizer needs is left. */
    public static BodyEdits promptOnly(RequestBody.Json body) {
        List<Edit> drops = body.names()
                .filter(name -> !name.equals(PROMPT) && !name.equals("model"))
                .<Edit>map(Drop::new)
                .toList();
        return new BodyEdits(drops);
    }
}
