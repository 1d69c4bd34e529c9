// SPDX-License-Identifier: Apache-2.0
package dev.tandem.gateway.exchange;

import dev.tandem.core.failure.Failure;
import dev.tandem.core.failure.FailureException;
import io.netty.channel.ConnectTimeoutException;
import io.netty.handler.timeout.ReadTimeoutException;
import java.io.IOException;
import java.net.ConnectException;
import java.net.NoRouteToHostException;
import java.net.UnknownHostException;
import reactor.netty.http.client.PrematureCloseException;
import reactor.netty.internal.shaded.reactor.pool.PoolAcquirePendingLimitException;
import reactor.netty.internal.shaded.reactor.pool.PoolAcquireTimeoutException;

/** Translates what the HTTP client throws, so that behind it only {@link Failure}s travel. Stateless. */
final class EngineFailures {
    private EngineFailures() {}

    static FailureException translate(Throwable thrown) {
        return switch (thrown) {
            case FailureException already -> already;
            case ConnectTimeoutException late ->
                new FailureException(Failure.CONNECT_FAILED, "no connection to the worker in time", late);
            case ConnectException refused ->
                new FailureException(Failure.CONNECT_FAILED, "no connection to the worker", refused);
            case UnknownHostException unknown ->
                new FailureException(Failure.CONNECT_FAILED, "the worker's host name is unknown", unknown);
            case NoRouteToHostException unreachable ->
                new FailureException(Failure.CONNECT_FAILED, "no route to the worker", unreachable);
            case PoolAcquireTimeoutException full ->
                new FailureException(Failure.ENGINE_BUSY, "all connections to the worker are in use", full);
            case PoolAcquirePendingLimitException full ->
                new FailureException(Failure.ENGINE_BUSY, "all connections to the worker are in use", full);
            case ReadTimeoutException silent ->
                new FailureException(Failure.ENGINE_TIMEOUT, "the worker sent nothing for too long", silent);
            case PrematureCloseException dropped ->
                new FailureException(Failure.ENGINE_DROPPED, "the worker closed the connection", dropped);
            case IOException broken ->
                new FailureException(Failure.ENGINE_DROPPED, "the connection to the worker broke", broken);
            default -> new FailureException(Failure.ENGINE_DROPPED, "the worker's answer could not be read", thrown);
        };
    }
}
