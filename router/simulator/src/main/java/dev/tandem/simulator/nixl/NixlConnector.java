// SPDX-License-Identifier: Apache-2.0
package dev.tandem.simulator.nixl;

import dev.tandem.simulator.engine.Handover;
import dev.tandem.simulator.generate.GenerateRequest;
import dev.tandem.simulator.peer.Ledger;
import dev.tandem.simulator.peer.Mailbox;
import dev.tandem.simulator.peer.Peer;
import dev.tandem.simulator.peer.RemoteEngine;
import dev.tandem.simulator.peer.RemoteSource;
import dev.tandem.simulator.peer.SideChannel;
import dev.tandem.simulator.transfer.Asked;
import dev.tandem.simulator.transfer.Claim;
import dev.tandem.simulator.transfer.Connector;
import dev.tandem.simulator.transfer.Leg;
import dev.tandem.simulator.transfer.Site;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import tools.jackson.databind.node.ObjectNode;

/**
 * The NIXL connector of one engine process, as vLLM 0.32.0 behaves with it (recorded on 2026-11-21). Thread-safe.
 *
 * <p>It checks no more than vLLM does: blocks of another prompt are taken, parameters may be used again, and malformed
 * ones kill the engine. {@link #violation} and {@link #claim} are for engines that refuse such requests instead.
 */
public final class NixlConnector implements Connector {
    private static final Logger log = LoggerFactory.getLogger(NixlConnector.class);

    private final NixlConfig config;
    private final Site site;
    private final Ledger ledger = new Ledger();
    private final SideChannel channel;
    /** Engines of earlier handshakes; like vLLM's, they are not looked up again. */
    private final Map<String, InetSocketAddress> known = new ConcurrentHashMap<>();

    /** Opens the side channel of an engine; throws {@link java.io.UncheckedIOException} if the port is taken. */
    NixlConnector(NixlConfig config, Site site) {
        this.site = site;
        Duration extension = config.lease().multipliedBy(2).dividedBy(3);
        this.channel = SideChannel.open(config.host(), config.port(), new Peer(site, ledger, new Mailbox(), extension));
        this.config = config.withSideChannel(config.host(), channel.port());
    }

    @Override
    public NixlConfig config() {
        return config;
    }

    @Override
    public int port() {
        return config.port();
    }

    @Override
    public @Nullable String violation(Asked asked) {
        return StrictRules.violation(asked.body(), config);
    }

    @Override
    public Leg leg(Asked asked, GenerateRequest request) {
        ObjectNode params = asked.params();
        if (params != null && Params.isSet(params, Params.REMOTE_PREFILL)) {
            return decodeLeg(params, request);
        }
        return params != null && Params.isSet(params, Params.REMOTE_DECODE)
                ? new PrefillLeg(this, request, lastTurn(params, request))
                : Leg.NONE;
    }

    /** Returns the question about a leg that reads blocks; the body has passed {@link #violation}. */
    @Override
    public @Nullable Claim claim(Asked asked, GenerateRequest request) {
        ObjectNode params = asked.params();
        if (params != null && Params.isSet(params, Params.REMOTE_PREFILL)) {
            return new Question(params, request.digest());
        }
        return params != null && Params.namesTurn(params)
                ? new Question(params, request.digest(params.path(Params.TOKENS).asInt(0)))
                : null;
    }

    @Override
    public void close() {
        channel.close();
    }

    /** Returns the id under which other engines know this one. */
    String engineId() {
        return site.engineId();
    }

    /**
     * Asks the other engine whether well-formed parameters may be used for this prompt, which uses them up; blocks.
     * Returns why not, or null. An engine that does not answer is no reason.
     */
    private @Nullable String claim(ObjectNode params, long prompt) {
        String id = params.path(Params.REQUEST).asString("");
        try (RemoteEngine remote = connect(params)) {
            return remote.claim(id, Params.digest(params), prompt).refusal(id);
        } catch (IOException e) {
            log.info("KV parameters not judged request={} reason={}", id, e.getMessage());
            return null;
        }
    }

    void onHandedOut(String name, ObjectNode params, long prompt) {
        ledger.add(name, Params.digest(params), prompt);
    }

    /** Returns what a prefill leg reads of the last turn; null for nothing. */
    private Handover.@Nullable Fetch lastTurn(ObjectNode params, GenerateRequest request) {
        List<Integer> blocks = Params.blocks(params);
        if (blocks == null || !Params.namesTurn(params)) {
            return null;
        }
        if (config.turns() == null) {
            return new Handover.Fetch(new NoSource(), -1);
        }
        int prompt = request.promptOf(0).tokens().length;
        int covered = Math.min(params.path(Params.TOKENS).asInt(0), prompt);
        TurnSource.Extent extent = new TurnSource.Extent(
                prompt,
                covered,
                site.engine().shape().blockSize(),
                config.turns().threshold());
        return new Handover.Fetch(
                new TurnSource(source(params, blocks), to -> source(params, blocks.subList(0, to)), extent),
                -1,
                new Handover.Terms(null, true, true));
    }

    private Leg decodeLeg(ObjectNode params, GenerateRequest request) {
        String missing = Params.missing(params);
        List<Integer> blocks = Params.blocks(params);
        if (blocks == null || request.prompts().size() > 1) {
            return alone(new Handover.Fatal("AssertionError: num_external_tokens == 0", true));
        }
        if (missing != null) {
            log.warn("Got invalid KVTransferParams: {}", params);
            return alone(new Handover.Fatal("KeyError: '" + missing + "'", false));
        }
        int shown = params.path(Params.CACHED).asInt(-1);
        Handover.Fetch fetch = new Handover.Fetch(source(params, blocks), shown);
        return config.turns() == null ? alone(fetch) : new TurnLeg(this, request, fetch, config.turns());
    }

    private static Leg alone(Handover handover) {
        return choice -> handover;
    }

    private RemoteSource source(ObjectNode params, List<Integer> blocks) {
        return new RemoteSource(
                () -> connect(params), params.path(Params.REQUEST).asString(""), blocks);
    }

    private RemoteEngine connect(ObjectNode params) throws IOException {
        String id = params.path(Params.ENGINE).asString("");
        InetSocketAddress address = known.getOrDefault(
                id,
                new InetSocketAddress(
                        params.path(Params.HOST).asString(""),
                        Math.clamp(params.path(Params.PORT).asInt(0), 0, 65_535)));
        RemoteEngine remote = RemoteEngine.connect(address, id, site.compatibility());
        known.put(id, address);
        return remote;
    }

    /** Whether the other engine still has what a leg wants to read. */
    private final class Question implements Claim {
        private final ObjectNode params;
        private final long prompt;

        Question(ObjectNode params, long prompt) {
            this.params = params;
            this.prompt = prompt;
        }

        @Override
        public @Nullable String judge() {
            return claim(params, prompt);
        }

        @Override
        public void giveBack() {
            source(params, List.of()).cancel();
        }
    }
}
