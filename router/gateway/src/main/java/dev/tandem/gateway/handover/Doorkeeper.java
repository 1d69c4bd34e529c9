// SPDX-License-Identifier: Apache-2.0
package dev.tandem.gateway.handover;

import dev.tandem.core.lifecycle.EngineMessageListener.Verdict;
import io.netty.channel.ChannelHandler.Sharable;
import io.netty.channel.ChannelHandlerContext;
import io.netty.handler.ipfilter.AbstractRemoteAddressFilter;
import java.net.InetSocketAddress;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Consumer;

/**
 * Lets connections in that may come in, so many at a time; the others are closed before a byte is read. Thread-safe.
 */
@Sharable
final class Doorkeeper extends AbstractRemoteAddressFilter<InetSocketAddress> {
    private final AddressRanges allowed;
    private final int mostConnections;
    private final Consumer<Verdict> onRefused;
    private final AtomicInteger open = new AtomicInteger();

    Doorkeeper(AddressRanges allowed, int mostConnections, Consumer<Verdict> onRefused) {
        this.allowed = allowed;
        this.mostConnections = mostConnections;
        this.onRefused = onRefused;
    }

    @Override
    protected boolean accept(ChannelHandlerContext context, InetSocketAddress remote) {
        if (!allowed.contain(remote.getAddress())) {
            onRefused.accept(Verdict.REFUSED);
            return false;
        }
        if (open.incrementAndGet() > mostConnections) {
            open.decrementAndGet();
            onRefused.accept(Verdict.LIMITED);
            return false;
        }
        context.channel().closeFuture().addListener(closed -> open.decrementAndGet());
        return true;
    }
}
