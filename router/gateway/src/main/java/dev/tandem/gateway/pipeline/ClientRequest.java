// SPDX-License-Identifier: Apache-2.0
package dev.tandem.gateway.pipeline;

import dev.tandem.core.request.ApiKind;
import dev.tandem.core.request.Caller;
import dev.tandem.core.routing.RoutingRequest;
import dev.tandem.gateway.body.RequestBody;
import dev.tandem.gateway.turn.Conversation;
import io.netty.handler.codec.http.HttpHeaders;
import org.jspecify.annotations.Nullable;

/**
 * A request that has been read and found valid. Confined to one request.
 *
 * @param id the request's id, made by the gateway
 * @param api the API that was called
 * @param streaming whether the client asked for a stream
 * @param body the body
 * @param bodyBytes its size, or 0 when it passes through unread
 * @param headers headers that engines may see
 * @param caller who asks
 * @param routing what routing may look at
 * @param conversation the one whose next turn may read what this one leaves, or null
 * @param arrivedNanos when its head arrived
 */
public record ClientRequest(
        String id,
        ApiKind api,
        boolean streaming,
        RequestBody body,
        long bodyBytes,
        HttpHeaders headers,
        Caller caller,
        RoutingRequest routing,
        @Nullable Conversation conversation,
        long arrivedNanos) {}
