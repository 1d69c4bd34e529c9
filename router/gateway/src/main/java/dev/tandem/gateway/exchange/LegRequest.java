// SPDX-License-Identifier: Apache-2.0
package dev.tandem.gateway.exchange;

import dev.tandem.core.disagg.BodyEdits.Edit.Put;
import dev.tandem.core.disagg.Leg;
import dev.tandem.core.fleet.EngineFacts;
import dev.tandem.gateway.body.RequestBody;
import io.netty.handler.codec.http.HttpHeaders;
import org.jspecify.annotations.Nullable;

/**
 * One leg as it is sent. Confined to one request.
 *
 * @param leg who is asked for what
 * @param kind what that worker is, or null when nobody knows
 * @param body the client's body, before the edits of the leg
 * @param exchangeId sent as {@code x-request-id} unless the leg has an id of its own
 * @param headers headers of the client that engines may see
 * @param streaming whether the answer is a stream
 * @param soon whether the answer begins when the prompt has been computed, and not when all has been generated
 */
public record LegRequest(
        Leg leg,
        EngineFacts.@Nullable Kind kind,
        RequestBody body,
        String exchangeId,
        HttpHeaders headers,
        boolean streaming,
        boolean soon) {
    /**
     * Whether the engine closes the connection behind its answer and does not say so, as {@code llama-server} does with
     * streams. Source: b11669, 2026-11-23.
     */
    boolean endsConnection() {
        return streaming && kind == EngineFacts.Kind.LLAMA_SERVER;
    }

    /** Whether the client wants to know what only the worker that computes the prompt can tell. */
    boolean asksForPromptLogprobs() {
        return body instanceof RequestBody.Json json && json.asksForPromptLogprobs();
    }

    /** Returns this request with one more edit. */
    LegRequest with(Put edit) {
        return new LegRequest(leg.with(edit), kind, body, exchangeId, headers, streaming, soon);
    }

    /** Returns this request with another body. */
    LegRequest of(RequestBody other) {
        return new LegRequest(leg, kind, other, exchangeId, headers, streaming, soon);
    }
}
