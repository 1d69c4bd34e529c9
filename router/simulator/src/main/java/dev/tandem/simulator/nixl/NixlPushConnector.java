// SPDX-License-Identifier: Apache-2.0
package dev.tandem.simulator.nixl;

import dev.tandem.simulator.engine.Handover;
import dev.tandem.simulator.generate.GenerateRequest;
import dev.tandem.simulator.generate.Piece;
import dev.tandem.simulator.meeting.HostLeg;
import dev.tandem.simulator.meeting.Meetings;
import dev.tandem.simulator.meeting.NameClaims;
import dev.tandem.simulator.meeting.Visit;
import dev.tandem.simulator.peer.Peer;
import dev.tandem.simulator.peer.RemoteEngine;
import dev.tandem.simulator.peer.SideChannel;
import dev.tandem.simulator.strict.LegRules;
import dev.tandem.simulator.transfer.Asked;
import dev.tandem.simulator.transfer.Claim;
import dev.tandem.simulator.transfer.Connector;
import dev.tandem.simulator.transfer.InternalId;
import dev.tandem.simulator.transfer.Leg;
import dev.tandem.simulator.transfer.Site;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.node.ObjectNode;

/**
 * vLLM's {@code NixlPushConnector} (vllm#35264, its design document read on 2026-11-21). Thread-safe.
 *
 * <p>The decode engine registers at the prefill engine, which writes the blocks as soon as it has computed them. Both
 * legs have the same request id: each engine puts a random end of its own behind it, and what remains has to be equal.
 * A decode leg for which no prefill leg comes waits for ever, even if the prefill engine dies.
 */
public final class NixlPushConnector implements Connector {
    private static final String FIELD = "x-request-id";

    private final NixlConfig config;
    private final Site site;
    private final Meetings meetings;
    private final SideChannel channel;

    /** Opens the side channel of an engine; throws {@link java.io.UncheckedIOException} if the port is taken. */
    NixlPushConnector(NixlConfig config, Site site) {
        this.site = site;
        this.meetings = new Meetings(site.engine());
        this.channel = SideChannel.open(config.host(), config.port(), Peer.of(site, meetings));
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
        String violation = StrictRules.pushViolation(asked.body(), config.role());
        if (violation != null || asked.params() == null) {
            return violation;
        }
        return asked.header().apply(FIELD) == null ? FIELD + ": missing (expected: the same id on both legs)" : null;
    }

    @Override
    public Leg leg(Asked asked, GenerateRequest request) {
        ObjectNode params = asked.params();
        if (params != null && Params.isSet(params, Params.REMOTE_PREFILL)) {
            return choice -> decodeLeg(params, InternalId.plain(request, choice));
        }
        boolean prefill = params != null && Params.isSet(params, Params.REMOTE_DECODE);
        return prefill ? new PushLeg(request) : Leg.NONE;
    }

    @Override
    public @Nullable Claim claim(Asked asked, GenerateRequest request) {
        ObjectNode params = asked.params();
        if (params == null) {
            return null;
        }
        String name = InternalId.plain(request, 0);
        return Params.isSet(params, Params.REMOTE_PREFILL)
                ? NameClaims.ofDecode(() -> connect(params), FIELD, name, request.digest())
                : NameClaims.ofPrefill(meetings, FIELD, name, request.digest());
    }

    @Override
    public Map<String, Long> facts() {
        return meetings.facts();
    }

    @Override
    public void close() {
        channel.close();
    }

    private Handover decodeLeg(ObjectNode params, String name) {
        String missing = LegRules.missing(params, Params.READ_BY_PUSH);
        if (missing != null) {
            return new Handover.Fatal("KeyError: '" + missing + "'", true);
        }
        Visit.Manners manners = new Visit.Manners(true, false, false, -1);
        return new Handover.Fetch(new Visit(() -> connect(params), name, manners), -1);
    }

    private RemoteEngine connect(ObjectNode params) throws IOException {
        InetSocketAddress address = new InetSocketAddress(
                params.path(Params.HOST).asString(""),
                Math.clamp(params.path(Params.PORT).asInt(0), 0, 65_535));
        return RemoteEngine.connect(address, params.path(Params.ENGINE).asString(""), site.compatibility());
    }

    /** A request whose blocks are written to a decode engine. */
    private final class PushLeg implements Leg {
        private final GenerateRequest request;
        private final HostLeg host;

        PushLeg(GenerateRequest request) {
            this.request = request;
            this.host = new HostLeg(
                    meetings,
                    request,
                    new HostLeg.Terms(choice -> InternalId.plain(request, choice), config.lease(), true));
        }

        @Override
        public Handover handover(int choice) {
            return host.handover(choice);
        }

        @Override
        public @Nullable ObjectNode params(List<Piece> pieces) {
            int choice = request.sampling().n() - 1;
            Handover.Kept kept = host.kept(choice);
            return kept == null
                    ? null
                    : Params.answered(config, site.engineId(), InternalId.random(request, choice), kept);
        }
    }
}
