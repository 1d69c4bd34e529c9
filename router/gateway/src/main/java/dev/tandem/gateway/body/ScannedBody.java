// SPDX-License-Identifier: Apache-2.0
package dev.tandem.gateway.body;

import dev.tandem.core.prefix.Fingerprint;
import dev.tandem.core.request.ApiKind;
import org.jspecify.annotations.Nullable;

/**
 * A JSON body and what routing needs to know of it. Confined to one request.
 *
 * @param body the bytes
 * @param model the model that the client named, or null
 * @param streaming whether the client asked for a stream
 * @param wanted what the answer has to say
 * @param promptTokens estimated prompt tokens: a quarter of the prompt's bytes, inline media left out
 * @param fingerprint prefix of the prompt
 */
public record ScannedBody(
        RequestBody.Json body,
        @Nullable String model,
        boolean streaming,
        Wanted wanted,
        int promptTokens,
        Fingerprint fingerprint) {
    /**
     * Most log-probabilities of a prompt that are kept until decode has answered: 4 MB of JSON at some 100 bytes each,
     * and less than prefill answers may have even if the prompt has four times the tokens that it seems to have.
     */
    private static final long MOST_PROMPT_LOGPROBS = 40_000;

    /** Whether prefill and decode may run on two workers, and the client sees no difference. */
    public boolean splittable(ApiKind api) {
        return api.generative()
                && wanted.oneOfOne()
                && echoed(api)
                && (wanted.promptLogprobs() == Wanted.NONE || promptLogprobsMerge(api));
    }

    /** Decode knows the text of a completion's prompt; a chat with echo has log-probabilities of its prompt. */
    private boolean echoed(ApiKind api) {
        return !wanted.echo() || (api == ApiKind.COMPLETIONS && !wanted.logprobs());
    }

    /** Prefill's are put into decode's answer, where one answer has room for them. */
    private boolean promptLogprobsMerge(ApiKind api) {
        boolean told = api == ApiKind.COMPLETIONS || api == ApiKind.CHAT;
        return told && !streaming && (1L + wanted.promptLogprobs()) * promptTokens <= MOST_PROMPT_LOGPROBS;
    }

    /**
     * What an answer has to say, as far as two workers make a difference to it.
     *
     * @param oneOfOne one prompt has one answer, found without beams
     * @param echo the answer begins with its prompt
     * @param logprobs the answer has log-probabilities of its own tokens
     * @param promptLogprobs how many alternatives to each token of the prompt it names, or {@link #NONE}
     */
    public record Wanted(boolean oneOfOne, boolean echo, boolean logprobs, int promptLogprobs) {
        /** The answer has no log-probabilities of its prompt. */
        public static final int NONE = -1;
    }
}
