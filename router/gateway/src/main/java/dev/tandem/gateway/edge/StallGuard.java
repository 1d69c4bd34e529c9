// SPDX-License-Identifier: Apache-2.0
package dev.tandem.gateway.edge;

import dev.tandem.core.lifecycle.EdgeListener;
import dev.tandem.core.lifecycle.EdgeListener.Rejection;
import io.netty.channel.ChannelHandlerContext;
import io.netty.handler.timeout.WriteTimeoutHandler;
import java.time.Duration;
import java.util.concurrent.TimeUnit;

/** Cuts a client off that leaves written bytes unread for too long. Confined to one connection. */
final class StallGuard extends WriteTimeoutHandler {
    private final EdgeListener listener;
    private boolean noted;

    StallGuard(Duration stall, EdgeListener listener) {
        super(stall.toMillis(), TimeUnit.MILLISECONDS);
        this.listener = listener;
    }

    @Override
    protected void writeTimedOut(ChannelHandlerContext ctx) throws Exception {
        if (!noted) {
            noted = true;
            listener.onRejected(Rejection.SLOW_READER);
        }
        super.writeTimedOut(ctx);
    }
}
