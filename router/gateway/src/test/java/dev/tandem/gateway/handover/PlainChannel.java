// SPDX-License-Identifier: Apache-2.0
package dev.tandem.gateway.handover;

import io.netty.channel.ChannelHandler;
import io.netty.channel.embedded.EmbeddedChannel;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.SocketAddress;

/** A connection from this machine without a socket. Confined to one thread. */
final class PlainChannel extends EmbeddedChannel {
    PlainChannel(ChannelHandler handler) {
        super(handler);
    }

    @Override
    protected SocketAddress remoteAddress0() {
        return new InetSocketAddress(InetAddress.getLoopbackAddress(), 1);
    }
}
