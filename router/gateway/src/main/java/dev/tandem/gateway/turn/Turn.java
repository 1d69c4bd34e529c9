// SPDX-License-Identifier: Apache-2.0
package dev.tandem.gateway.turn;

import dev.tandem.core.disagg.BodyEdits.Edit.Put;
import dev.tandem.core.fleet.Seat;

/**
 * A KV cache that a decode worker keeps of a conversation's turn. Immutable.
 *
 * @param decode who keeps it
 * @param starts how often that worker had come up by then
 * @param params where it lies, as the worker said; may be used once
 * @param tokens how many tokens of prompt and answer it covers, at least 1
 * @param digest {@link TokenIds#digest} of these tokens
 */
public record Turn(Seat decode, int starts, Put params, int tokens, String digest) {
    /**
     * Whether a prompt begins with all its tokens and has more. Nobody else checks that: an engine that reads KV of
     * other tokens answers nonsense. Source: vllm-project/vllm#43094 (2026-05).
     */
    public boolean precedes(TokenIds prompt) {
        return prompt.count() > tokens && prompt.digest(tokens).equals(digest);
    }
}
