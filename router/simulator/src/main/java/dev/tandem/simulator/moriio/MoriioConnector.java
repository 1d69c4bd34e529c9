// SPDX-License-Identifier: Apache-2.0
package dev.tandem.simulator.moriio;

import dev.tandem.simulator.engine.Engine;
import dev.tandem.simulator.engine.Handover;
import dev.tandem.simulator.generate.GenerateRequest;
import dev.tandem.simulator.notice.Courier;
import dev.tandem.simulator.notice.Registration;
import dev.tandem.simulator.peer.Ledger;
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
import java.io.IOException;
import java.time.Duration;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.atomic.AtomicReference;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import tools.jackson.databind.node.ObjectNode;

/** The connector of one engine process. Thread-safe. */
final class MoriioConnector implements Connector {
    private static final Logger log = LoggerFactory.getLogger(MoriioConnector.class);

    private final MoriioConfig config;
    private final Site site;
    private final Ledger ledger = new Ledger();
    private final Mailbox mailbox = new Mailbox();
    private final UsedIds used = new UsedIds();
    private final SideChannel channel;
    private final AtomicReference<@Nullable Registration> registration = new AtomicReference<>();

    MoriioConnector(MoriioConfig config, Site site) {
        this.site = site;
        this.channel =
                SideChannel.open(config.host(), config.handshakePort(), new Peer(site, ledger, mailbox, Duration.ZERO));
        this.config = config.withHandshakePort(channel.port());
    }

    @Override
    public MoriioConfig config() {
        return config;
    }

    @Override
    public int port() {
        return config.handshakePort();
    }

    @Override
    public @Nullable String violation(Asked asked) {
        return StrictRules.violation(asked, config);
    }

    /** A missing transfer id or address ends the engine, as KeyError and ValueError in vLLM's scheduler do. */
    @Override
    public Leg leg(Asked asked, GenerateRequest request) {
        ObjectNode params = asked.params();
        if (params == null || params.isEmpty()) {
            return producer() ? Leg.NONE : new DecodeLeg(this, request).plain();
        }
        if (!params.has(Params.TRANSFER)) {
            return fatal("KeyError: '" + Params.TRANSFER + "'");
        }
        if (!Params.isSet(params, producer() ? Params.REMOTE_DECODE : Params.REMOTE_PREFILL)) {
            return producer() ? Leg.NONE : new DecodeLeg(this, request).plain();
        }
        String id = InternalId.random(request, 0);
        PeerAddress peer = PeerAddress.of(producer() ? PeerAddress.decode(id) : PeerAddress.prefill(id), params);
        if (peer == null) {
            return fatal("ValueError: request_id '" + id + "' does not embed a peer zmq_address");
        }
        if (!producer()) {
            return new DecodeLeg(this, request).leg(params, peer);
        }
        return params.has(Params.BLOCKS) && params.has(Params.ENGINE)
                ? new PrefillLeg(this, request, params.path(Params.TRANSFER).asString(""), peer)
                : fatal("KeyError: '" + Params.BLOCKS + "'");
    }

    /** Returns the question whether a transfer id is new and what it names is good; the body has been checked. */
    @Override
    public @Nullable Claim claim(Asked asked, GenerateRequest request) {
        ObjectNode params = asked.params();
        if (params == null) {
            return null;
        }
        String transferId = params.path(Params.TRANSFER).asString("");
        Claim first = used.claim("kv_transfer_params." + Params.TRANSFER, transferId);
        PeerAddress peer = PeerAddress.of(PeerAddress.prefill(request.id()), params);
        return producer() || !config.reads() || peer == null
                ? first
                : new ReadQuestion(this, first, peer, params, request);
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
        Map<String, Object> fields = new LinkedHashMap<>();
        fields.put("type", producer() ? "P" : "D");
        fields.put("http_address", config.host() + ":" + httpPort);
        fields.put("zmq_address", config.zmqAddress());
        fields.put("dp_size", 1);
        fields.put("tp_size", site.ranks());
        fields.put("transfer_mode", config.reads() ? "READ" : "WRITE");
        // Unlike P2pNcclConnector, this one leaves the identity of its socket to ZeroMQ.
        registration.set(Registration.start(router, "", fields, config.interval(), new Courier(site.mishaps())));
    }

    @Override
    public Map<String, Long> facts() {
        return Map.of("unclaimedWrites", (long) mailbox.unasked());
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

    String engineId() {
        return site.engineId();
    }

    int ranks() {
        return site.ranks();
    }

    Mailbox mailbox() {
        return mailbox;
    }

    /** Connects to another engine, which blocks. Its id is not compared: vLLM knows engines by their addresses. */
    RemoteEngine connect(PeerAddress peer) throws IOException {
        return RemoteEngine.connect(peer.socket(), "", site.compatibility());
    }

    static Leg fatal(String reason) {
        Handover fate = new Handover.Fatal(reason, true);
        return choice -> fate;
    }

    /** Writes the blocks to the decode engine if that is the mode; otherwise they wait for being read. */
    void onKept(String transferId, Handover.Kept kept, PeerAddress decode) {
        if (config.reads()) {
            return;
        }
        CompletionStage<List<Handover.Block>> contents = engine().read(kept.blocks());
        contents.thenAcceptAsync(blocks -> write(transferId, blocks, decode), Thread::startVirtualThread);
    }

    void onHandedOut(String transferId, ObjectNode params, GenerateRequest request) {
        ledger.add(transferId, Params.digest(params), request.digest());
    }

    private void write(String transferId, List<Handover.Block> blocks, PeerAddress decode) {
        try (RemoteEngine remote = connect(decode)) {
            remote.push(transferId, blocks);
            engine().dropKept(transferId);
        } catch (IOException e) {
            log.warn("KV not written transfer={} reason={}", transferId, e.getMessage());
        }
    }

    private boolean producer() {
        return config.role() == KvRole.PRODUCER;
    }
}
