// SPDX-License-Identifier: Apache-2.0
package dev.tandem.core.disagg;

import dev.tandem.core.fleet.Seat;
import dev.tandem.core.request.ApiKind;

/**
 * The two workers of one attempt and what their legs share. Immutable.
 *
 * @param prefill seat on the worker that computes the KV cache
 * @param decode seat on the worker that generates
 * @param api the API that the client called
 * @param token 32 lower-case hexadecimal digits, new for each attempt; nobody can guess it
 * @param callbackUrl where engines call the gateway back, or the empty text when nobody listens
 * @param reuseTokens whether the decode worker may be spared what the prefill worker has made of the prompt's text
 */
public record Pairing(Seat prefill, Seat decode, ApiKind api, String token, String callbackUrl, boolean reuseTokens) {
    /** Makes a pairing in which each worker reads the prompt itself. */
    public Pairing(Seat prefill, Seat decode, ApiKind api, String token, String callbackUrl) {
        this(prefill, decode, api, token, callbackUrl, false);
    }
}
