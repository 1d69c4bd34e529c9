// SPDX-License-Identifier: Apache-2.0
package dev.tandem.simulator.llama;

import dev.tandem.core.time.Ticker;
import dev.tandem.simulator.http.Faults;
import dev.tandem.simulator.http.Journal;
import dev.tandem.simulator.http.ServerHandler;
import io.netty.channel.Channel;
import io.netty.channel.ChannelOption;
import io.netty.channel.group.ChannelGroup;
import io.netty.channel.group.DefaultChannelGroup;
import io.netty.util.concurrent.GlobalEventExecutor;
import java.net.InetSocketAddress;
import java.net.URI;
import java.time.Clock;
import java.time.Duration;
import java.util.List;
import java.util.UUID;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import reactor.netty.DisposableServer;
import reactor.netty.http.server.HttpServer;

/**
 * A stand-in for one llama-server of build 11669: listens on a port, has slots of its own, saves them to files and
 * restores them from files, and misbehaves on demand. Thread-safe.
 */
public final class SimulatedLlamaServer implements ServerHandler.Owner {
    /** How long closing its connections may take; whoever crashes it is to find none of them any more. */
    private static final int CLOSE_MILLIS = 2_000;

    /** llama-server closes idle connections after this time. */
    static final Duration KEEP_ALIVE = Duration.ofSeconds(5);

    private static final Logger log = LoggerFactory.getLogger(SimulatedLlamaServer.class);
    private static final Clock CLOCK = Clock.systemUTC();
    private static final int JOURNAL_REQUESTS = 10_000;
    private static final long JOURNAL_BYTES = 64L << 20;

    private final LlamaOptions options;
    private final Journal journal = new Journal(JOURNAL_REQUESTS, JOURNAL_BYTES);
    private final Faults faults = new Faults();
    private final StrictMode strict;
    private final ChannelGroup connections = new DefaultChannelGroup(GlobalEventExecutor.INSTANCE);
    private final int port;
    private volatile Incarnation process;

    private SimulatedLlamaServer(LlamaOptions options) {
        this.options = options;
        this.strict = new StrictMode(options.strict());
        this.process = start(options.port());
        this.port = ((InetSocketAddress) process.server.address()).getPort();
    }

    /** Starts a server and returns when it listens. */
    public static SimulatedLlamaServer start(LlamaOptions options) {
        SimulatedLlamaServer server = new SimulatedLlamaServer(options);
        log.info(
                "simulated llama-server listening url={} model={} slots={} context={} slot_folder={} strict={}",
                server.baseUrl(),
                options.alias(),
                options.slots(),
                options.slotContext(),
                options.slotFolder() == null ? "none" : options.slotFolder(),
                options.strict());
        return server;
    }

    @Override
    public int port() {
        return port;
    }

    @Override
    public URI baseUrl() {
        String host = options.host().equals("0.0.0.0") ? "127.0.0.1" : options.host();
        return URI.create("http://" + host + ":" + port);
    }

    /** Returns the options it was started with. */
    public LlamaOptions options() {
        return options;
    }

    @Override
    public Journal journal() {
        return journal;
    }

    @Override
    public Faults faults() {
        return faults;
    }

    /** Returns how many tokens each slot holds, by slot id. */
    public List<Integer> slotTokens() {
        return process.loop
                .inspect(slots -> slots.stream().map(Slot::size).toList())
                .blockOptional()
                .orElseThrow();
    }

    /** Returns how many slots are answering a request. */
    public int busySlots() {
        return process.loop
                .inspect(slots -> (int) slots.stream().filter(Slot::busy).count())
                .blockOptional()
                .orElseThrow();
    }

    @Override
    public String engineId() {
        return process.id;
    }

    @Override
    public void crash() {
        log.info("simulated llama-server crashes url={}", baseUrl());
        stop(true);
    }

    @Override
    public synchronized void restart() {
        crash();
        process = start(port);
        log.info("simulated llama-server restarted url={}", baseUrl());
    }

    @Override
    public void close() {
        stop(false);
    }

    private Incarnation start(int onPort) {
        SlotLoop loop = new SlotLoop(options, strict, Ticker.SYSTEM);
        ServerAnswers answers = new ServerAnswers(options, CLOCK.instant().getEpochSecond());
        LlamaRoutes routes = new LlamaRoutes(options, strict, loop, answers, Ticker.SYSTEM);
        DisposableServer server = HttpServer.create()
                .host(options.host())
                .port(onPort)
                .idleTimeout(KEEP_ALIVE)
                .maxKeepAliveRequests(LlamaHandler.MOST_REQUESTS)
                .httpRequestDecoder(spec -> spec.maxInitialLineLength(65_536).maxHeaderSize(1 << 20))
                .doOnConnection(connection -> connections.add(connection.channel()))
                .handle(new LlamaHandler(this, options, routes, CLOCK))
                .bindNow();
        return new Incarnation(loop, server, UUID.randomUUID().toString());
    }

    @SuppressWarnings("FutureReturnValueIgnored") // closing cannot fail in a way that matters
    private synchronized void stop(boolean reset) {
        process.server.channel().close().syncUninterruptibly();
        for (Channel channel : connections) {
            channel.eventLoop().execute(() -> {
                if (reset && channel.isActive()) {
                    channel.config().setOption(ChannelOption.SO_LINGER, 0);
                }
                channel.close();
            });
        }
        connections.newCloseFuture().awaitUninterruptibly(CLOSE_MILLIS);
        process.loop.close();
    }

    /** What a restart replaces. */
    private record Incarnation(SlotLoop loop, DisposableServer server, String id) {}
}
