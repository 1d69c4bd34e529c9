// SPDX-License-Identifier: Apache-2.0
package dev.tandem.bench;

import io.netty.bootstrap.Bootstrap;
import io.netty.buffer.ByteBuf;
import io.netty.channel.ChannelInitializer;
import io.netty.channel.ChannelOption;
import io.netty.channel.EventLoopGroup;
import io.netty.channel.epoll.EpollSocketChannel;
import io.netty.channel.socket.SocketChannel;
import java.net.InetAddress;
import java.util.ArrayDeque;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.Callable;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.stream.IntStream;
import java.util.zip.CRC32C;

/**
 * One run of the load generator against one port: closed loop or fixed rate. Its state is confined to one event loop;
 * the public methods may be called from outside.
 */
final class Load implements AutoCloseable {
    private static final int MAX_CONNECTIONS = 20_000;
    private static final int MAX_FAULTS = 1_000;

    /** Pause between two new connections; keeps a proxy's accept queue short. */
    private static final long CONNECT_PAUSE_MICROS = 100;

    /**
     * How to ask.
     *
     * @param port Loopback port of the proxy or worker.
     * @param connections Kept-alive connections.
     * @param perSecond Requests per second, evenly spaced; 0 sends the next request when an answer is complete.
     * @param most Requests in all; 0 for no limit.
     */
    record Demand(int port, int connections, int perSecond, long most) {
        /** Every connection busy until told to stop. */
        static Demand closedLoop(int port, int connections) {
            return new Demand(port, connections, 0, 0);
        }
    }

    /**
     * What one prompt sends and must receive, in direct memory that is never released.
     *
     * @param request The whole HTTP request.
     * @param answer The body of its answer without framing.
     * @param bodySeen Value of {@link WorkerConnection#BODY_SEEN} when the request body arrives as sent.
     */
    record Script(ByteBuf request, ByteBuf answer, String bodySeen) {
        static Script of(Shape shape, int prompt) {
            byte[] body = Traffic.requestBody(shape, prompt);
            CRC32C checksum = new CRC32C();
            checksum.update(body);
            return new Script(
                    Traffic.direct(Traffic.request(body)),
                    Traffic.direct(Traffic.expected(shape, prompt)),
                    body.length + "-" + Long.toHexString(checksum.getValue()));
        }
    }

    private static final Map<Shape, List<Script>> SCRIPTS = new ConcurrentHashMap<>();

    private final EventLoopGroup loop;
    private final Demand demand;
    private final List<Script> scripts;
    private final Bootstrap bootstrap;
    private final Tally tally = new Tally();
    private final ArrayDeque<LoadConnection> idle = new ArrayDeque<>();
    private final Set<LoadConnection> open = new HashSet<>();
    private long sent;
    private int faults;
    private boolean stopped;

    private Load(EventLoopGroup loop, Shape shape, Demand demand) {
        this.loop = loop;
        this.demand = demand;
        scripts = SCRIPTS.computeIfAbsent(
                shape,
                key -> IntStream.range(0, Traffic.PROMPTS)
                        .mapToObj(prompt -> Script.of(key, prompt))
                        .toList());
        bootstrap = new Bootstrap()
                .group(loop)
                .channel(EpollSocketChannel.class)
                .option(ChannelOption.TCP_NODELAY, true)
                .option(ChannelOption.CONNECT_TIMEOUT_MILLIS, 10_000)
                .remoteAddress(InetAddress.getLoopbackAddress(), demand.port())
                .handler(new ChannelInitializer<SocketChannel>() {
                    @Override
                    protected void initChannel(SocketChannel channel) {
                        channel.pipeline().addLast(new LoadConnection(Load.this));
                    }
                });
    }

    /** Starts a run; {@link #close} ends it. */
    static Load start(EventLoopGroup loop, Shape shape, Demand demand) {
        Load load = new Load(loop, shape, demand);
        for (int i = 0; i < demand.connections(); i++) {
            load.later(load::connect, i * CONNECT_PAUSE_MICROS);
        }
        if (demand.perSecond() > 0) {
            load.later(() -> load.tick(System.nanoTime()), demand.connections() * CONNECT_PAUSE_MICROS + 50_000);
        }
        return load;
    }

    /** Returns the counts at this moment. */
    Tally tally() {
        return inLoop(tally::copy);
    }

    /** Returns how many requests have been sent and not yet answered. */
    long outstanding() {
        return inLoop(() -> open.stream().filter(LoadConnection::busy).count());
    }

    /** Sends no further request. */
    void stop() {
        inLoop(() -> stopped = true);
    }

    /** Returns whether the limit of requests has been sent and every request is answered. */
    boolean finished() {
        return inLoop(() -> (stopped || (demand.most() > 0 && sent >= demand.most()))
                && open.stream().noneMatch(LoadConnection::busy));
    }

    /** Closes every connection, whatever it waits for, without counting that as a fault. */
    @Override
    public void close() {
        inLoop(() -> {
            stopped = true;
            List.copyOf(open).forEach(LoadConnection::abandon);
            return open.size();
        });
    }

    /** A connection has nothing to do: at its start, or after an answer. */
    void onIdle(LoadConnection connection) {
        open.add(connection);
        if (stopped) {
            return;
        }
        if (demand.perSecond() > 0) {
            idle.add(connection);
        } else {
            next(connection);
        }
    }

    /** A connection is gone; {@code faulty} unless the peer announced it between two requests. */
    void onClosed(LoadConnection connection, boolean faulty) {
        open.remove(connection);
        idle.remove(connection);
        if (faulty) {
            faults++;
        }
        if (!stopped && faults < MAX_FAULTS) {
            connect();
        }
    }

    Tally counts() {
        return tally;
    }

    Script script(int prompt) {
        return scripts.get(prompt);
    }

    private void next(LoadConnection connection) {
        if (demand.most() == 0 || sent < demand.most()) {
            connection.send((int) (sent++ % Traffic.PROMPTS));
        }
    }

    private void tick(long plannedNanos) {
        if (stopped) {
            return;
        }
        LoadConnection connection = idle.poll();
        if (connection != null) {
            next(connection);
        } else if (open.size() < MAX_CONNECTIONS) {
            connect();
        }
        long following = plannedNanos + TimeUnit.SECONDS.toNanos(1) / demand.perSecond();
        later(() -> tick(following), TimeUnit.NANOSECONDS.toMicros(following - System.nanoTime()));
    }

    private void connect() {
        if (stopped) {
            return;
        }
        bootstrap.connect().addListener(done -> {
            if (!done.isSuccess() && !stopped) {
                tally.onFailed("connect: " + done.cause());
                if (++faults < MAX_FAULTS) {
                    later(this::connect, 10_000);
                }
            }
        });
    }

    private void later(Runnable what, long micros) {
        var unused = loop.schedule(what, Math.max(0, micros), TimeUnit.MICROSECONDS);
    }

    private <T> T inLoop(Callable<T> what) {
        try {
            return loop.submit(what).get(30, TimeUnit.SECONDS);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IllegalStateException("load: interrupted", e);
        } catch (ExecutionException | java.util.concurrent.TimeoutException e) {
            throw new IllegalStateException("load: event loop does not answer", e);
        }
    }
}
