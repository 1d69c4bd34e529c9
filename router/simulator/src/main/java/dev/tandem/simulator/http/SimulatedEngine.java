// SPDX-License-Identifier: Apache-2.0
package dev.tandem.simulator.http;

import dev.tandem.core.time.Ticker;
import dev.tandem.simulator.engine.Engine;
import dev.tandem.simulator.engine.EngineCounter;
import dev.tandem.simulator.engine.EngineShape;
import dev.tandem.simulator.engine.EngineStats;
import dev.tandem.simulator.store.DirectoryStore;
import dev.tandem.simulator.store.KvStore;
import dev.tandem.simulator.transfer.Connector;
import dev.tandem.simulator.transfer.ConnectorConfig;
import dev.tandem.simulator.transfer.Site;
import dev.tandem.simulator.wire.Served;
import io.netty.channel.Channel;
import io.netty.channel.group.ChannelGroup;
import io.netty.channel.group.DefaultChannelGroup;
import io.netty.util.concurrent.GlobalEventExecutor;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.URI;
import java.nio.file.Path;
import java.time.Clock;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.UUID;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import reactor.netty.DisposableServer;
import reactor.netty.http.server.HttpServer;

/**
 * A stand-in for one vLLM 0.32 server: listens on a port, has an engine of its own, and misbehaves on demand.
 * Thread-safe.
 */
public final class SimulatedEngine implements ServerHandler.Owner {
    /** How long closing its connections may take; whoever crashes it is to find none of them any more. */
    private static final int CLOSE_MILLIS = 2_000;

    private static final Logger log = LoggerFactory.getLogger(SimulatedEngine.class);
    private static final Clock CLOCK = Clock.systemUTC();
    private static final int JOURNAL_REQUESTS = 10_000;
    private static final long JOURNAL_BYTES = 64L << 20;

    private final EngineOptions options;
    private final Journal journal = new Journal(JOURNAL_REQUESTS, JOURNAL_BYTES);
    private final Faults faults = new Faults();
    private final ChannelGroup connections = new DefaultChannelGroup(GlobalEventExecutor.INSTANCE);
    private final Ticker ticker;
    private final int port;
    private volatile Incarnation process;

    private SimulatedEngine(EngineOptions options, Ticker ticker) {
        this.options = options;
        this.ticker = ticker;
        this.process = start(options.port(), configs(options));
        this.port = ((InetSocketAddress) process.server.address()).getPort();
    }

    /** Starts an engine and returns when it listens; throws {@link UsageException} for sizes that cannot work. */
    public static SimulatedEngine start(EngineOptions options) {
        return start(options, Ticker.SYSTEM);
    }

    /** Starts an engine whose leases and steps run by another clock. */
    public static SimulatedEngine start(EngineOptions options, Ticker ticker) {
        SimulatedEngine engine = new SimulatedEngine(options, ticker);
        log.info(
                "simulated engine listening url={} model={} speed={} connector={}",
                engine.baseUrl(),
                options.model(),
                options.speed().name(),
                options.transfer() == null ? "none" : options.transfer().connector());
        return engine;
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
    public EngineOptions options() {
        return options;
    }

    /** Returns what it has seen. */
    @Override
    public Journal journal() {
        return journal;
    }

    /** Returns its fault switches. */
    @Override
    public Faults faults() {
        return faults;
    }

    /** Returns the live statistics of the engine; a restarted engine has new ones. */
    public EngineStats stats() {
        return stats(0);
    }

    /** Returns the live statistics of the engine of a data parallel rank. */
    public EngineStats stats(int rank) {
        Engine engine = process.ranks.get(rank).engine();
        engine.expireKept();
        return engine.stats();
    }

    /** Returns the id of this engine process; a restart changes it. */
    @Override
    public String engineId() {
        return process.first().engineId();
    }

    /** Returns the port at which the connector hands KV over; 0 without one. */
    @Override
    public int sideChannelPort() {
        Connector connector = process.first().connector();
        return connector == null ? 0 : connector.port();
    }

    /** Returns what is kept for others, what has expired, and numbers of the connector; a restart starts anew. */
    @Override
    public Map<String, Long> facts() {
        Map<String, Long> facts = new TreeMap<>();
        for (int rank = 0; rank < process.ranks.size(); rank++) {
            Connector connector = process.ranks.get(rank).connector();
            if (connector != null) {
                connector.facts().forEach((name, number) -> facts.merge(name, number, Long::sum));
            }
            facts.merge("kv_kept", (long) stats(rank).kept(), Long::sum);
            facts.merge("kv_expired", stats(rank).count(EngineCounter.KV_EXPIRED), Long::sum);
        }
        return facts;
    }

    /** Returns one of the {@link #facts()}; throws for one that the connector does not have. */
    public long fact(String name) {
        Long value = facts().get(name);
        if (value == null) {
            throw new IllegalArgumentException(name + ": unknown (expected: " + facts().keySet() + ")");
        }
        return value;
    }

    /** Drops all connections with a reset and stops listening, as a killed process does. */
    @Override
    public void crash() {
        log.info("simulated engine crashes url={}", baseUrl());
        stop(true);
    }

    /** Crashes if it is up and comes back on the same port with empty caches and another engine id. */
    @Override
    public synchronized void restart() {
        crash();
        List<@Nullable ConnectorConfig> configs = new ArrayList<>();
        process.ranks.forEach(rank -> configs.add(rank.config()));
        process = start(port, configs);
        log.info("simulated engine restarted url={} engine_id={}", baseUrl(), engineId());
    }

    @Override
    public void close() {
        stop(false);
    }

    /** Returns the settings of the connector of each rank; null for none. */
    private static List<@Nullable ConnectorConfig> configs(EngineOptions options) {
        List<@Nullable ConnectorConfig> configs = new ArrayList<>();
        ConnectorConfig config =
                options.transfer() == null ? null : options.transfer().config();
        for (int rank = 0; rank < options.dataParallel(); rank++) {
            configs.add(config == null || options.dataParallel() == 1 ? config : ofRank(config, rank));
        }
        return configs;
    }

    private static ConnectorConfig ofRank(ConnectorConfig config, int rank) {
        try {
            return config.ofRank(rank);
        } catch (IllegalArgumentException e) {
            throw new UsageException(String.valueOf(e.getMessage()));
        }
    }

    private Incarnation start(int onPort, List<@Nullable ConnectorConfig> configs) {
        String base = UUID.randomUUID().toString();
        List<Rank> ranks = new ArrayList<>();
        try {
            for (ConnectorConfig config : configs) {
                ranks.add(rank(config, configs.size() == 1 ? "" : "_dp" + ranks.size(), base));
            }
            Incarnation started = new Incarnation(ranks, listen(onPort, ranks));
            ranks.forEach(rank -> rank.engine().onDeath(() -> exitLater(started)));
            ranks.forEach(rank -> rank.onListening(started.address()));
            return started;
        } catch (RuntimeException e) {
            ranks.forEach(Rank::close);
            throw e;
        }
    }

    /** Starts the engine of one rank; the ids of ranks differ as vLLM's do. */
    private Rank rank(@Nullable ConnectorConfig config, String suffix, String base) {
        ConnectorConfig.Prepared prepared = config == null ? null : prepared(config);
        Engine engine = Engine.start(shape(options, prepared == null ? store(options) : prepared.store()), ticker);
        String fixedId = config == null ? null : config.engineId();
        String engineId = (fixedId == null ? base : fixedId) + suffix;
        try {
            Site site = new Site(
                    engine, engineId, options.version(), options.tensorParallel(), options.mishaps(), faults::line);
            return new Rank(
                    engine, engineId, prepared == null ? null : prepared.start().apply(site));
        } catch (RuntimeException e) {
            engine.close();
            throw e;
        }
    }

    private ConnectorConfig.Prepared prepared(ConnectorConfig config) {
        try {
            return config.prepare(store(options));
        } catch (IllegalArgumentException e) {
            throw new UsageException(String.valueOf(e.getMessage()));
        }
    }

    private DisposableServer listen(int onPort, List<Rank> ranks) {
        Served served = new Served(
                options.model(),
                options.servedNames(),
                options.maxModelLength(),
                CLOCK.instant().getEpochSecond(),
                options.promptDetails(),
                options.toolParser(),
                options.version());
        RequestHandler handler = new RequestHandler(this, new Routes(options, served, ranks), CLOCK);
        return HttpServer.create()
                .host(options.host())
                .port(onPort)
                .idleTimeout(options.idle())
                .httpRequestDecoder(spec -> spec.maxInitialLineLength(65_536).maxHeaderSize(1 << 20))
                .doOnConnection(connection -> connections.add(connection.channel()))
                .handle(handler)
                .bindNow();
    }

    /** The process of a vLLM whose engine has died answers errors for a moment and then ends. */
    private void exitLater(Incarnation dead) {
        log.error("simulated engine is dead url={} exits_in={}", baseUrl(), options.exitDelay());
        CompletableFuture.delayedExecutor(options.exitDelay().toNanos(), TimeUnit.NANOSECONDS)
                .execute(() -> {
                    if (process.equals(dead)) {
                        crash();
                    }
                });
    }

    @SuppressWarnings("FutureReturnValueIgnored") // closing cannot fail in a way that matters
    private synchronized void stop(boolean reset) {
        process.server.channel().close().syncUninterruptibly();
        for (Channel channel : connections) {
            channel.eventLoop().execute(() -> {
                if (reset) {
                    RawBytes.reset(channel);
                } else {
                    channel.close();
                }
            });
        }
        connections.newCloseFuture().awaitUninterruptibly(CLOSE_MILLIS);
        process.ranks.forEach(Rank::close);
    }

    private static EngineShape shape(EngineOptions options, @Nullable KvStore store) {
        int least = (options.maxModelLength() + options.blockSize() - 1) / options.blockSize();
        int blocks = options.blocks() > 0
                ? options.blocks()
                : Math.max(least, options.speed().kvTokens() / options.blockSize());
        KvTransfer transfer = options.transfer();
        try {
            return new EngineShape(
                    options.model(),
                    options.maxModelLength(),
                    options.blockSize(),
                    blocks,
                    options.maxSequences(),
                    options.maxBatchedTokens(),
                    options.answerTokens(),
                    options.speed(),
                    store,
                    transfer != null && transfer.stores(),
                    transfer != null && transfer.loads(),
                    transfer == null ? EngineShape.Connector.NONE : transfer.kind());
        } catch (IllegalArgumentException e) {
            throw new UsageException(String.valueOf(e.getMessage()));
        }
    }

    private static @Nullable KvStore store(EngineOptions options) {
        KvTransfer transfer = options.transfer();
        if (transfer == null) {
            return null;
        }
        Path folder = options.store() != null ? options.store() : transfer.folder();
        return folder == null ? null : new DirectoryStore(folder, options.model(), options.blockSize());
    }

    /** One engine of the process. */
    record Rank(Engine engine, String engineId, @Nullable Connector connector) {
        @Nullable
        ConnectorConfig config() {
            return connector == null ? null : connector.config();
        }

        private void onListening(String address) {
            if (connector != null) {
                connector.onListening(address);
            }
        }

        private void close() {
            if (connector != null) {
                connector.close();
            }
            engine.close();
        }
    }

    /** What a restart replaces. */
    private record Incarnation(List<Rank> ranks, DisposableServer server) {
        private Rank first() {
            return ranks.getFirst();
        }

        /** Returns where the server listens, as other machines would name it. */
        String address() {
            InetSocketAddress address = (InetSocketAddress) server.address();
            String host = address.getAddress().isAnyLocalAddress()
                    ? InetAddress.getLoopbackAddress().getHostAddress()
                    : address.getAddress().getHostAddress();
            return host + ":" + address.getPort();
        }
    }
}
