// SPDX-License-Identifier: Apache-2.0
package dev.tandem.gateway.exchange;

import dev.tandem.core.disagg.BodyEdits.Edit.Put;
import dev.tandem.core.disagg.Leg;
import dev.tandem.gateway.body.RequestBody;
import io.netty.handler.codec.http.HttpHeaders;

/**
 * One leg as it is sent. Confined to one request.
 *
 * @param leg who is asked for what
 * @param body the client's body, before the edits of the leg
 * @param exchangeId sent as {@code x-request-id} unless the leg has an id of its own
 * @param headers headers of the client that engines may see
 * @param streaming whether the answer is a stream
 * @param soon whether the answer begins when the prompt has been computed, and not when all has been generated
 */
public record LegRequest(
        Leg leg, RequestBody body, String exchangeId, HttpHeaders headers, boolean streaming, boolean soon) {
    /** Whether the client wants to know what only the worker that computes the prompt can tell. */
    boolean asksForPromptLogprobs() {
        return body instanceof RequestBody.Json json && json.asksForPromptLogprobs();
    }

    /** Returns this request with one more edit. */
    LegRequest with(Put edit) {
        return new LegRequest(leg.with(edit), body, exchangeId, headers, streaming, soon);
    }

    /** Returns this request with another body. */
    LegRequest of(RequestBody other) {
        return new LegRequest(leg, other, exchangeId, headers, streaming, soon);
    }
}
