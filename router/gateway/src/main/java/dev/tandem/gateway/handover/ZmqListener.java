// SPDX-License-Identifier: Apache-2.0
package dev.tandem.gateway.handover;

import dev.tandem.core.time.Ticker;
import io.netty.bootstrap.ServerBootstrap;
import io.netty.channel.Channel;
import io.netty.channel.ChannelFuture;
import io.netty.channel.ChannelInitializer;
import io.netty.channel.ChannelOption;
import io.netty.channel.EventLoopGroup;
import io.netty.channel.MultiThreadIoEventLoopGroup;
import io.netty.channel.nio.NioIoHandler;
import io.netty.channel.socket.nio.NioServerSocketChannel;
import io.netty.util.concurrent.DefaultThreadFactory;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.InetSocketAddress;
import java.time.Duration;
import java.util.concurrent.TimeUnit;

/**
 * A ZeroMQ socket that only receives, on a thread of its own: a flood of messages does not slow requests down.
 * Thread-safe.
 */
final class ZmqListener implements AutoCloseable {
    /** Several times what the largest fleets have engines. */
    private static final int MOST_CONNECTIONS = 4096;

    private final EventLoopGroup thread;
    private final Channel channel;

    private ZmqListener(EventLoopGroup thread, Channel channel) {
        this.thread = thread;
        this.channel = channel;
    }

    /**
     * Starts listening.
     *
     * @param kind which socket it is
     * @param settings where, and to whom
     * @param perSecond most messages per second from one address
     * @param ticker time for that limit
     * @param inbox takes the messages, on the listener's thread
     * @throws UncheckedIOException if it cannot
     */
    static ZmqListener open(
            ZmtpReceiver.Kind kind, ListenerSettings settings, int perSecond, Ticker ticker, Inbox inbox) {
        Doorkeeper doorkeeper = new Doorkeeper(settings.allowed(), MOST_CONNECTIONS, inbox::onRefused);
        RateLimit rates = new RateLimit(perSecond, ticker);
        EventLoopGroup thread = new MultiThreadIoEventLoopGroup(
                1, new DefaultThreadFactory("tandem-zmq", true), NioIoHandler.newFactory());
        ChannelFuture bound = new ServerBootstrap()
                .group(thread)
                .channel(NioServerSocketChannel.class)
                .childOption(ChannelOption.SO_KEEPALIVE, true)
                .childHandler(new ChannelInitializer<>() {
                    @Override
                    protected void initChannel(Channel connection) {
                        connection.pipeline().addLast(doorkeeper, new ZmtpReceiver(kind, rates, inbox));
                    }
                })
                .bind(settings.address(), settings.port())
                .awaitUninterruptibly();
        if (!bound.isSuccess()) {
            stop(thread);
            throw new UncheckedIOException(
                    new IOException("cannot listen on " + settings.address() + ":" + settings.port(), bound.cause()));
        }
        return new ZmqListener(thread, bound.channel());
    }

    /** Returns the port. */
    int port() {
        return ((InetSocketAddress) channel.localAddress()).getPort();
    }

    /** Runs a task again and again on the listener's thread, until it is closed. */
    void every(Duration pause, Runnable task) {
        var unused = thread.scheduleWithFixedDelay(task, pause.toNanos(), pause.toNanos(), TimeUnit.NANOSECONDS);
    }

    @Override
    public void close() {
        channel.close().awaitUninterruptibly();
        stop(thread);
    }

    private static void stop(EventLoopGroup thread) {
        thread.shutdownGracefully(0, 1, TimeUnit.SECONDS).awaitUninterruptibly();
    }
}
