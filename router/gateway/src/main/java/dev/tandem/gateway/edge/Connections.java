// SPDX-License-Identifier: Apache-2.0
package dev.tandem.gateway.edge;

import dev.tandem.core.lifecycle.EdgeListener.Rejection;
import io.netty.channel.Channel;
import java.net.Inet6Address;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.UnknownHostException;
import java.util.Arrays;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentMap;
import java.util.concurrent.atomic.AtomicInteger;
import org.jspecify.annotations.Nullable;

/**
 * The open connections of clients, all together and by address. Thread-safe.
 *
 * <p>The address is that of the socket: what a client says of itself in a header counts for nothing. IPv6 clients have
 * a network of 64 bits each and are counted by it. Connections from this machine are not counted by address: behind a
 * proxy or a sidecar beside the gateway all come from there.
 */
public final class Connections {
    private static final int NETWORK_BYTES = 8;

    private final int most;
    private final int mostOfPeer;
    private final AtomicInteger open = new AtomicInteger();
    private final ConcurrentMap<InetAddress, Integer> ofPeers = new ConcurrentHashMap<>();

    /**
     * Counts connections.
     *
     * @param most most connections
     * @param mostOfPeer most connections from one address; 0 for any number
     */
    public Connections(int most, int mostOfPeer) {
        this.most = most;
        this.mostOfPeer = mostOfPeer;
    }

    /** Returns the number of open connections. */
    public int open() {
        return open.get();
    }

    /**
     * Counts a new connection until it is closed; or returns why there may be no more of them, and does not count it.
     */
    @Nullable
    Rejection admit(Channel channel) {
        if (open.incrementAndGet() > most) {
            open.decrementAndGet();
            return Rejection.CONNECTIONS;
        }
        InetAddress peer = mostOfPeer == 0 ? null : peer(channel);
        if (peer != null && ofPeers.merge(peer, 1, Integer::sum) > mostOfPeer) {
            forget(peer);
            return Rejection.CONNECTIONS_OF_PEER;
        }
        channel.closeFuture().addListener(closed -> forget(peer));
        return null;
    }

    private void forget(@Nullable InetAddress peer) {
        open.decrementAndGet();
        if (peer != null) {
            ofPeers.computeIfPresent(peer, (address, count) -> count == 1 ? null : count - 1);
        }
    }

    private static @Nullable InetAddress peer(Channel channel) {
        if (!(channel.remoteAddress() instanceof InetSocketAddress address) || address.getAddress() == null) {
            return null;
        }
        InetAddress peer = address.getAddress();
        if (peer.isLoopbackAddress()) {
            return null;
        }
        return peer instanceof Inet6Address ? network(peer) : peer;
    }

    private static InetAddress network(InetAddress address) {
        try {
            return InetAddress.getByAddress(
                    Arrays.copyOf(Arrays.copyOf(address.getAddress(), NETWORK_BYTES), address.getAddress().length));
        } catch (UnknownHostException e) {
            throw new IllegalStateException("an address of another length", e);
        }
    }
}
