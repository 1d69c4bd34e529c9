// SPDX-License-Identifier: Apache-2.0
package dev.tandem.simulator.notice;

import java.nio.charset.StandardCharsets;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.RejectedExecutionException;
import org.zeromq.SocketType;
import org.zeromq.ZContext;
import org.zeromq.ZMQ;

/**
 * One ZeroMQ socket that only sends, to one address. Thread-safe: a daemon thread owns the socket, because sockets must
 * not change threads. What cannot be sent yet waits in the socket; closing drops it.
 */
public final class ZmqSender implements AutoCloseable {
    /** About one of fifty connections of JeroMQ 0.6.0 falls silent at once; such a one is given up and made anew. */
    private static final int PATIENCE_MILLIS = 2_000;

    private final ExecutorService thread = Executors.newSingleThreadExecutor(
            task -> Thread.ofPlatform().daemon().name("sim-zmq").unstarted(task));
    private final ZContext context = new ZContext();
    private final CompletableFuture<ZMQ.Socket> socket;

    private ZmqSender(SocketType type, String identity, String address) {
        this.socket = CompletableFuture.supplyAsync(() -> connect(type, identity, address), thread);
    }

    /** Makes a socket that a ROUTER at {@code host:port} knows by an identity. */
    public static ZmqSender dealer(String identity, String address) {
        return new ZmqSender(SocketType.DEALER, identity, address);
    }

    /** Makes a socket for a PULL at {@code host:port}. */
    public static ZmqSender push(String address) {
        return new ZmqSender(SocketType.PUSH, "", address);
    }

    /** Hands a message of one frame to the socket; false if it is closed or full. */
    public CompletableFuture<Boolean> send(byte[] message) {
        try {
            return socket.thenApplyAsync(open -> open.send(message, ZMQ.DONTWAIT), thread);
        } catch (RejectedExecutionException closed) {
            return CompletableFuture.completedFuture(false);
        }
    }

    /** Closes the socket on its thread, which then ends. */
    @Override
    public void close() {
        if (!thread.isShutdown()) {
            thread.execute(context::close);
            thread.shutdown();
        }
    }

    private ZMQ.Socket connect(SocketType type, String identity, String address) {
        ZMQ.Socket open = context.createSocket(type);
        open.setLinger(0);
        open.setHandshakeIvl(PATIENCE_MILLIS);
        open.setHeartbeatIvl(PATIENCE_MILLIS / 2);
        open.setHeartbeatTimeout(PATIENCE_MILLIS);
        if (!identity.isEmpty()) {
            open.setIdentity(identity.getBytes(StandardCharsets.UTF_8));
        }
        open.connect("tcp://" + address);
        return open;
    }
}
