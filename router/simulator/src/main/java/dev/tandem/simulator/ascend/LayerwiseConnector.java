// SPDX-License-Identifier: Apache-2.0
package dev.tandem.simulator.ascend;

import dev.tandem.simulator.engine.Handover;
import dev.tandem.simulator.engine.Handover.Block;
import dev.tandem.simulator.generate.GenerateRequest;
import dev.tandem.simulator.peer.Mailbox;
import dev.tandem.simulator.peer.Outgoing;
import dev.tandem.simulator.peer.Peer;
import dev.tandem.simulator.peer.RemoteEngine;
import dev.tandem.simulator.peer.SideChannel;
import dev.tandem.simulator.strict.LegRules;
import dev.tandem.simulator.transfer.Asked;
import dev.tandem.simulator.transfer.Connector;
import dev.tandem.simulator.transfer.HttpPost;
import dev.tandem.simulator.transfer.InternalId;
import dev.tandem.simulator.transfer.Leg;
import dev.tandem.simulator.transfer.Site;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.net.URI;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.atomic.AtomicLong;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import tools.jackson.databind.node.ObjectNode;

/** The layer-wise connector of one engine process. Thread-safe. */
final class LayerwiseConnector implements Connector {
    private static final Logger log = LoggerFactory.getLogger(LayerwiseConnector.class);

    /** The engine itself waits for the router without bound. */
    private static final Duration PATIENCE = Duration.ofDays(1);

    private final LayerwiseConfig config;
    private final Site site;
    private final Mailbox mailbox = Mailbox.ofAskers();
    private final HttpPost http = new HttpPost(PATIENCE);
    private final SideChannel channel;
    private final AtomicLong unwritten = new AtomicLong();

    /** Opens the port at which KV comes; throws {@link java.io.UncheckedIOException} if it is taken. */
    LayerwiseConnector(LayerwiseConfig config, Site site) {
        this.site = site;
        this.channel = SideChannel.open(config.host(), config.port(), Peer.of(site, mailbox));
        this.config = config.withPort(channel.port());
    }

    @Override
    public LayerwiseConfig config() {
        return config;
    }

    @Override
    public int port() {
        return config.port();
    }

    @Override
    public @Nullable String violation(Asked asked) {
        ObjectNode params = asked.params();
        if (params == null) {
            return null;
        }
        return asked.header().apply("x-request-id") == null
                ? "x-request-id: missing (expected: the id that the router knows)"
                : Params.violation(asked.body(), params, config.role());
    }

    @Override
    public Leg leg(Asked asked, GenerateRequest request) {
        ObjectNode params = asked.params();
        if (params == null) {
            return Leg.NONE;
        }
        if (params.path(Params.REMOTE_PREFILL).asBoolean(false)) {
            return choice -> decodeLeg(asked, params, request, choice);
        }
        if (!params.path(Params.REMOTE_DECODE).asBoolean(false)) {
            return Leg.NONE;
        }
        String missing = LegRules.missing(params, Params.NEEDED);
        Handover fate = new Handover.Fatal("KeyError: '" + missing + "'", true);
        return missing == null ? new PrefillLeg(params, request) : choice -> fate;
    }

    /** Returns KV that came when its request had left, into memory of nobody, and KV that could not be written. */
    @Override
    public Map<String, Long> facts() {
        return Map.of("kv_for_nobody", mailbox.dropped(), "kv_not_written", unwritten.get());
    }

    @Override
    public void close() {
        channel.close();
        http.close();
    }

    private Handover decodeLeg(Asked asked, ObjectNode params, GenerateRequest request, int choice) {
        URI metaserver;
        try {
            metaserver = URI.create(params.path(Params.METASERVER).asString(""));
        } catch (IllegalArgumentException e) {
            return new Handover.Fatal("InvalidURL: " + e.getMessage(), true);
        }
        if (metaserver.getHost() == null) {
            return new Handover.Fatal("KeyError: 'metaserver'", true);
        }
        String name = InternalId.plain(request, choice);
        int size = site.engine().shape().blockSize();
        int all = (request.promptOf(choice).tokens().length + size - 1) / size;
        Callback callback = new Callback(
                new Callback.Route(http, metaserver, mailbox),
                name,
                wanted -> Params.calledBack(config, site, name, wanted, (all - wanted) * size),
                asked.faults());
        return new Handover.Fetch(callback, -1);
    }

    /** A request whose KV is written to the decode engine that called back. */
    private final class PrefillLeg implements Leg {
        private final ObjectNode params;
        private final Outgoing outgoing;
        private final CompletableFuture<Void> written = new CompletableFuture<>();

        PrefillLeg(ObjectNode params, GenerateRequest request) {
            this.params = params;
            this.outgoing = new Outgoing(site.engine(), request, 0);
        }

        @Override
        public @Nullable Handover handover(int choice) {
            return choice == 0 ? outgoing.handover() : null;
        }

        /** The answer leaves when the KV has been written, or could not be. */
        @Override
        public CompletionStage<Void> completed() {
            CompletionStage<List<Block>> contents = outgoing.contents();
            contents.thenAccept(blocks -> Thread.startVirtualThread(() -> write(blocks)));
            return written;
        }

        private void write(List<Block> blocks) {
            String name = params.path(Params.REQUEST).asString("");
            InetSocketAddress address = new InetSocketAddress(
                    params.path(Params.HOST).asString(""),
                    Math.clamp(params.path(Params.PORT).asInt(0), 0, 65_535));
            String engine = params.path(Params.ENGINE).asString("");
            try (RemoteEngine remote = RemoteEngine.connect(address, engine, site.compatibility())) {
                remote.push(name, blocks);
            } catch (IOException e) {
                unwritten.incrementAndGet();
                log.warn("KV not written request={} reason={}", name, e.getMessage());
            }
            written.complete(null);
        }
    }
}
