// SPDX-License-Identifier: Apache-2.0
package dev.tandem.core.disagg;

import dev.tandem.core.fleet.Seat;
import dev.tandem.core.request.ApiKind;
import java.util.Set;

/**
 * The two workers of one attempt and what their legs share. Immutable.
 *
 * @param prefill seat on the worker that computes the KV cache
 * @param decode seat on the worker that generates
 * @param api the API that the client called
 * @param token 32 lower-case hexadecimal digits, new for each attempt; nobody can guess it
 * @param callbackUrl where engines call the gateway back, or the empty text when nobody listens
 * @param shortcuts what the engines may be spared without a change of the answer
 */
public record Pairing(
        Seat prefill, Seat decode, ApiKind api, String token, String callbackUrl, Set<Shortcut> shortcuts) {
    /** Copies the set. */
    public Pairing {
        shortcuts = Set.copyOf(shortcuts);
    }

    /** Makes a pairing without shortcuts. */
    public Pairing(Seat prefill, Seat decode, ApiKind api, String token, String callbackUrl) {
        this(prefill, decode, api, token, callbackUrl, Set.of());
    }

    /** Work that need not be done twice, where protocol and engines can do without. */
    public enum Shortcut {
        /** Decode goes on behind a first token that prefill generates. */
        FIRST_TOKEN,
        /** Decode takes over the tokens that prefill has made of the prompt's text. */
        PROMPT_TOKENS
    }
}
