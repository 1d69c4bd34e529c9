// SPDX-License-Identifier: Apache-2.0
package dev.tandem.simulator.p2pnccl;

import dev.tandem.simulator.engine.Engine;
import dev.tandem.simulator.engine.Handover;
import dev.tandem.simulator.generate.GenerateRequest;
import dev.tandem.simulator.notice.Courier;
import dev.tandem.simulator.notice.Registration;
import dev.tandem.simulator.peer.Mailbox;
import dev.tandem.simulator.peer.Peer;
import dev.tandem.simulator.peer.RemoteEngine;
import dev.tandem.simulator.peer.SideChannel;
import dev.tandem.simulator.strict.UsedIds;
import dev.tandem.simulator.transfer.Asked;
import dev.tandem.simulator.transfer.Claim;
import dev.tandem.simulator.transfer.Connector;
import dev.tandem.simulator.transfer.InternalId;
import dev.tandem.simulator.transfer.KvRole;
import dev.tandem.simulator.transfer.Leg;
import dev.tandem.simulator.transfer.Site;
import dev.tandem.simulator.wire.Release;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.atomic.AtomicReference;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The connector of one engine process. Thread-safe.
 *
 * <p>A request whose id names no engine kills the engine, as the ValueError in vLLM's worker does; a decode engine
 * keeps what was pushed until a request with that id ends.
 */
final class P2pNcclConnector implements Connector {
    private static final Logger log = LoggerFactory.getLogger(P2pNcclConnector.class);

    private final P2pNcclConfig config;
    private final Site site;
    private final boolean randomIds;
    private final Mailbox mailbox = new Mailbox();
    private final UsedIds used = new UsedIds();
    private final SideChannel channel;
    private final AtomicReference<@Nullable Registration> registration = new AtomicReference<>();

    P2pNcclConnector(P2pNcclConfig config, Site site) {
        this.site = site;
        this.randomIds = config.randomIds() && Release.of(site.version()).since(P2pNcclConfig.RANDOM_IDS);
        this.channel = SideChannel.open(config.host(), config.port(), Peer.of(site, mailbox));
        this.config = config.withPort(channel.port());
    }

    @Override
    public P2pNcclConfig config() {
        return config;
    }

    @Override
    public int port() {
        return config.port();
    }

    @Override
    public @Nullable String violation(Asked asked) {
        return StrictRules.violation(asked, config, producer());
    }

    @Override
    public Leg leg(Asked asked, GenerateRequest request) {
        InetSocketAddress decode = Addresses.decode(request.id());
        boolean named = producer() ? decode != null : Addresses.prefill(request.id()) != null;
        if (!named) {
            Handover fate = new Handover.Fatal(
                    "ValueError: Request id " + request.id() + " does not contain hostname and port", true);
            return choice -> fate;
        }
        return producer() && decode != null ? new PrefillLeg(this, request, decode) : new DecodeLeg(this, request);
    }

    /** Returns whether an id has been here before; the body has passed {@link #violation}. */
    @Override
    public Claim claim(Asked asked, GenerateRequest request) {
        return used.claim("x-request-id", request.id());
    }

    @Override
    public void onListening(String httpAddress) {
        String router = config.router();
        if (router == null) {
            return;
        }
        int httpPort = config.httpPort() > 0
                ? config.httpPort()
                : Integer.parseInt(httpAddress.substring(httpAddress.lastIndexOf(':') + 1));
        Map<String, String> fields = new LinkedHashMap<>();
        fields.put("type", producer() ? "P" : "D");
        fields.put("http_address", config.host() + ":" + httpPort);
        fields.put("zmq_address", config.zmqAddress());
        registration.set(Registration.start(
                router, config.zmqAddress(), fields, config.interval(), new Courier(site.mishaps())));
    }

    @Override
    public Map<String, Long> facts() {
        return Map.of("strandedTensors", (long) mailbox.unasked(), "heldTensors", (long) mailbox.size());
    }

    @Override
    public void close() {
        Registration started = registration.getAndSet(null);
        if (started != null) {
            started.close();
        }
        channel.close();
    }

    Engine engine() {
        return site.engine();
    }

    Mailbox mailbox() {
        return mailbox;
    }

    /** Returns the name under which both engines know the KV of an answer. */
    String tensorId(GenerateRequest request, int choice) {
        return randomIds ? InternalId.random(request, choice) : InternalId.plain(request, choice);
    }

    /** Brings KV to the engine that an id names; blocks. If that fails, nobody is told. */
    void push(InetSocketAddress decode, String name, List<Handover.Block> blocks) {
        InetSocketAddress address = new InetSocketAddress(decode.getHostString(), decode.getPort());
        try (RemoteEngine remote = RemoteEngine.connect(address, "", site.compatibility())) {
            remote.push(name, blocks);
        } catch (IOException e) {
            log.warn("KV not sent request={} reason={}", name, e.getMessage());
        }
    }

    private boolean producer() {
        return config.role() != KvRole.CONSUMER;
    }
}
