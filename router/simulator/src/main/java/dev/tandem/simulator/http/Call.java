// SPDX-License-Identifier: Apache-2.0
package dev.tandem.simulator.http;

import io.netty.channel.Channel;
import io.netty.handler.codec.http.HttpHeaders;
import org.jspecify.annotations.Nullable;
import reactor.core.scheduler.Scheduler;
import reactor.core.scheduler.Schedulers;

/**
 * A request on its way through the server. Immutable; the body must not be changed.
 *
 * @param method HTTP method.
 * @param path Path without query.
 * @param headers All headers.
 * @param body The whole body.
 * @param channel Connection that it came on.
 * @param nowSeconds Arrival, seconds since 1970.
 */
@SuppressWarnings("ArrayRecordComponent") // never compared
record Call(String method, String path, HttpHeaders headers, byte[] body, Channel channel, long nowSeconds) {
    @Nullable
    String header(String name) {
        return headers.get(name);
    }

    /** Returns the connection's event loop, where answers are rendered. */
    Scheduler eventLoop() {
        return Schedulers.fromExecutor(channel.eventLoop());
    }
}
