// SPDX-License-Identifier: Apache-2.0
package dev.tandem.bench;

import io.netty.bootstrap.ServerBootstrap;
import io.netty.channel.Channel;
import io.netty.channel.ChannelInitializer;
import io.netty.channel.ChannelOption;
import io.netty.channel.EventLoopGroup;
import io.netty.channel.MultiThreadIoEventLoopGroup;
import io.netty.channel.epoll.EpollIoHandler;
import io.netty.channel.epoll.EpollServerSocketChannel;
import io.netty.channel.socket.SocketChannel;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/**
 * Workers that cost next to nothing: one event loop, several ports, answers prepared in advance.
 *
 * <p>As a command it prints {@code ports A B C D} once all ports are bound and ends when its standard input ends, so
 * that it never outlives the benchmark that started it.
 */
@Command(name = "worker", mixinStandardHelpOptions = true, description = "Serves fake workers on loopback ports.")
final class FakeWorker implements Callable<Integer>, AutoCloseable {
    private static final int BACKLOG = 16_384;

    @Option(names = "--ports", split = ",", description = "Ports to listen on; 0 takes a free one. Default: 0,0,0,0")
    private List<Integer> ports = List.of(0, 0, 0, 0);

    private final EventLoopGroup loop = new MultiThreadIoEventLoopGroup(1, EpollIoHandler.newFactory());
    private final List<Integer> bound = new ArrayList<>();

    /** Binds as many free ports as asked for; {@link #ports} tells them. */
    static FakeWorker onFreePorts(int count) throws InterruptedException {
        FakeWorker worker = new FakeWorker();
        worker.ports = java.util.Collections.nCopies(count, 0);
        worker.bind();
        return worker;
    }

    /** Returns the bound ports in order. */
    List<Integer> ports() {
        return List.copyOf(bound);
    }

    @Override
    public Integer call() throws InterruptedException, IOException {
        bind();
        StringBuilder line = new StringBuilder("ports");
        bound.forEach(port -> line.append(' ').append(port));
        System.out.println(line);
        while (System.in.read() >= 0) {
            Thread.onSpinWait();
        }
        close();
        return 0;
    }

    private void bind() throws InterruptedException {
        WorkerAnswers answers = new WorkerAnswers();
        ServerBootstrap bootstrap = new ServerBootstrap()
                .group(loop)
                .channel(EpollServerSocketChannel.class)
                .option(ChannelOption.SO_BACKLOG, BACKLOG)
                .option(ChannelOption.SO_REUSEADDR, true)
                .childOption(ChannelOption.TCP_NODELAY, true)
                .childHandler(new ChannelInitializer<SocketChannel>() {
                    @Override
                    protected void initChannel(SocketChannel channel) {
                        channel.pipeline().addLast(new WorkerConnection(answers));
                    }
                });
        for (int port : ports) {
            Channel channel = bootstrap
                    .bind(new InetSocketAddress(InetAddress.getLoopbackAddress(), port))
                    .sync()
                    .channel();
            bound.add(((InetSocketAddress) channel.localAddress()).getPort());
        }
    }

    @Override
    public void close() {
        loop.shutdownGracefully(0, 1, java.util.concurrent.TimeUnit.SECONDS).awaitUninterruptibly();
    }
}
