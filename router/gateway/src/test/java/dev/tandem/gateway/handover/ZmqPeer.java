// SPDX-License-Identifier: Apache-2.0
package dev.tandem.gateway.handover;

import java.io.IOException;

/** An engine's side of a ZeroMQ connection, played byte by byte. Confined to one thread. */
public final class ZmqPeer implements AutoCloseable {
    private static final int LAST = 0;
    private static final int MORE = 1;

    private final RawPeer peer;

    private ZmqPeer(RawPeer peer) {
        this.peer = peer;
    }

    /** Connects as engines do that register. */
    public static ZmqPeer dealer(int port) throws IOException {
        return new ZmqPeer(RawPeer.from("127.0.0.1", port).send(RawPeer.GREETING + RawPeer.READY_DEALER));
    }

    /** Connects as engines do that give notice. */
    public static ZmqPeer push(int port) throws IOException {
        return new ZmqPeer(RawPeer.from("127.0.0.1", port).send(RawPeer.GREETING + RawPeer.READY_PUSH));
    }

    /** Sends a message of one frame, of less than 256 bytes. */
    public ZmqPeer send(byte[] message) throws IOException {
        peer.frame(LAST, message);
        return this;
    }

    /** Sends a message of several frames. */
    public ZmqPeer sendParts(byte[]... parts) throws IOException {
        for (int i = 0; i < parts.length; i++) {
            peer.frame(i < parts.length - 1 ? MORE : LAST, parts[i]);
        }
        return this;
    }

    @Override
    public void close() throws IOException {
        peer.close();
    }
}
