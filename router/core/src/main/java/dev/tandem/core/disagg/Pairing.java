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
 * @param exchangeId made by the gateway, new for each attempt; never text of a client
 */
public record Pairing(Seat prefill, Seat decode, ApiKind api, String exchangeId) {}
