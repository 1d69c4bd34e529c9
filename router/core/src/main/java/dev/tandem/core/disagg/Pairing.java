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
 * @param continuable whether decode can go on behind a first token of prefill, and the answer stays what one worker
 *     would have given
 */
public record Pairing(Seat prefill, Seat decode, ApiKind api, String token, String callbackUrl, boolean continuable) {}
