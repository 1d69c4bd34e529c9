// SPDX-License-Identifier: Apache-2.0
package dev.tandem.gateway.edge;

import dev.tandem.core.lifecycle.EdgeListener;
import io.netty.channel.ChannelOption;
import io.netty.channel.WriteBufferWaterMark;
import java.time.Duration;
import reactor.netty.http.server.HttpServer;

/**
 * Limits of one listening socket: what a client that sends or reads slowly can hold. Immutable.
 *
 * <p>A client that never reads costs the gateway its send buffer, the write buffer up to the high-water mark and a few
 * buffers read ahead; then the engine's connection is no longer read, and after {@code writeStall} the client is cut
 * off.
 *
 * @param writeStall longest time that written bytes may stay unsent
 * @param idleTimeout age at which an unused connection is closed
 * @param sendBuffer size of the socket's send buffer in bytes
 * @param readSilence longest silence inside a request body
 * @param readTimeout longest time for a whole request body
 */
public record ListenerLimits(
        Duration writeStall, Duration idleTimeout, int sendBuffer, Duration readSilence, Duration readTimeout) {
    private static final WriteBufferWaterMark WATER_MARK = new WriteBufferWaterMark(8 * 1024, 16 * 1024);

    /** Applies the limits to a server and tells the listener of clients that do not read. */
    HttpServer applyTo(HttpServer server, EdgeListener listener) {
        return server.childOption(ChannelOption.SO_SNDBUF, sendBuffer)
                .childOption(ChannelOption.WRITE_BUFFER_WATER_MARK, WATER_MARK)
                .childOption(ChannelOption.TCP_NODELAY, true)
                .idleTimeout(idleTimeout)
                .readTimeout(readSilence)
                .requestTimeout(readTimeout)
                .metrics(false, () -> null)
                .doOnConnection(connection ->
                        connection.addHandlerLast("tandem.writeStall", new StallGuard(writeStall, listener)));
    }
}
