// SPDX-License-Identifier: Apache-2.0
package dev.tandem.gateway.exchange;

import dev.tandem.core.disagg.BodyEdits;
import dev.tandem.core.request.ApiKind;
import dev.tandem.gateway.body.RequestBody;
import dev.tandem.gateway.turn.Conversation;
import io.netty.handler.codec.http.HttpHeaders;
import org.jspecify.annotations.Nullable;

/**
 * What workers are asked for, whoever they are. Confined to one request.
 *
 * @param api the API to call
 * @param body the client's body
 * @param headers headers of the client that engines may see
 * @param streaming whether the answer is a stream
 * @param edits what every leg changes in the body, before its own changes
 * @param conversation the one that it is a turn of, or null
 */
public record Asked(
        ApiKind api,
        RequestBody body,
        HttpHeaders headers,
        boolean streaming,
        BodyEdits edits,
        @Nullable Conversation conversation) {
    /** Asks for what a client asks for, outside of any conversation. */
    public Asked(ApiKind api, RequestBody body, HttpHeaders headers, boolean streaming) {
        this(api, body, headers, streaming, BodyEdits.NONE, null);
    }

    /** Returns the same body, of which every leg makes something else. */
    public Asked as(ApiKind other, BodyEdits made) {
        return new Asked(other, body, headers, streaming, made, conversation);
    }
}
