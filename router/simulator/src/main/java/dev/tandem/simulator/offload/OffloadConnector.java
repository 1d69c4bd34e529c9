// SPDX-License-Identifier: Apache-2.0
package dev.tandem.simulator.offload;

import dev.tandem.simulator.engine.Handover;
import dev.tandem.simulator.generate.GenerateRequest;
import dev.tandem.simulator.meeting.HostLeg;
import dev.tandem.simulator.meeting.Meetings;
import dev.tandem.simulator.meeting.NameClaims;
import dev.tandem.simulator.meeting.Visit;
import dev.tandem.simulator.peer.Peer;
import dev.tandem.simulator.peer.RemoteEngine;
import dev.tandem.simulator.peer.RemoteSource;
import dev.tandem.simulator.peer.SideChannel;
import dev.tandem.simulator.transfer.Asked;
import dev.tandem.simulator.transfer.Claim;
import dev.tandem.simulator.transfer.Connector;
import dev.tandem.simulator.transfer.Leg;
import dev.tandem.simulator.transfer.Site;
import java.net.InetSocketAddress;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.node.ObjectNode;

/**
 * The peer-to-peer tier of one engine process. Thread-safe.
 *
 * <p>Only full blocks go over, and whatever does not come in time is computed: a decode leg never fails for want of a
 * prefill leg.
 */
final class OffloadConnector implements Connector {
    private static final String FIELD = "kv_transfer_params.kv_request_id";

    private final OffloadConfig config;
    private final Site site;
    private final Meetings meetings;
    private final SideChannel channel;

    /** Opens the side channel of an engine; throws {@link java.io.UncheckedIOException} if the port is taken. */
    OffloadConnector(OffloadConfig config, Site site) {
        this.site = site;
        this.meetings = new Meetings(site.engine());
        this.channel = SideChannel.open(config.host(), config.port(), Peer.of(site, meetings));
        this.config = config.withPort(channel.port());
    }

    @Override
    public OffloadConfig config() {
        return config;
    }

    @Override
    public int port() {
        return config.port();
    }

    @Override
    public @Nullable String violation(Asked asked) {
        ObjectNode params = asked.params();
        return params == null ? null : Roles.violation(asked.body(), params);
    }

    @Override
    public Leg leg(Asked asked, GenerateRequest request) {
        ObjectNode params = asked.params();
        Roles roles = params == null ? null : Roles.of(params);
        if (roles == null || roles.none()) {
            return Leg.NONE;
        }
        String fault = roles.fault();
        if (fault != null) {
            return choice -> new Handover.Fatal("ValueError: " + fault, true);
        }
        ObjectNode decoder = roles.decoder();
        HostLeg host = decoder == null ? null : host(name(decoder), request);
        return choice -> handover(roles, host, request, choice);
    }

    @Override
    public @Nullable Claim claim(Asked asked, GenerateRequest request) {
        ObjectNode params = asked.params();
        Roles roles = params == null ? null : Roles.of(params);
        if (roles == null) {
            return null;
        }
        ObjectNode decoder = roles.decoder();
        if (decoder != null) {
            return NameClaims.ofPrefill(meetings, FIELD, name(decoder), request.digest());
        }
        ObjectNode prefiller = roles.prefiller();
        return prefiller == null
                ? null
                : NameClaims.ofDecode(door(prefiller), FIELD, name(prefiller), request.digest());
    }

    @Override
    public Map<String, Long> facts() {
        return meetings.facts();
    }

    @Override
    public void close() {
        channel.close();
    }

    private HostLeg host(String name, GenerateRequest request) {
        return new HostLeg(meetings, request, new HostLeg.Terms(choice -> name, config.unbound(), true));
    }

    private @Nullable Handover handover(Roles roles, @Nullable HostLeg host, GenerateRequest request, int choice) {
        Handover.Fetch fetch = fetch(roles, request, choice);
        Handover.Keep keep = host == null ? null : host.keep(choice);
        return fetch != null && keep != null ? new Handover.Relay(fetch, keep) : fetch != null ? fetch : keep;
    }

    private Handover.@Nullable Fetch fetch(Roles roles, GenerateRequest request, int choice) {
        ObjectNode prefiller = roles.prefiller();
        ObjectNode source = roles.source();
        int size = site.engine().shape().blockSize();
        if (prefiller != null) {
            int full = (request.promptOf(choice).tokens().length - 1) / size;
            Visit.Manners manners = new Visit.Manners(true, true, true, full);
            return fetch(new Visit(door(prefiller), name(prefiller), manners));
        }
        return source == null ? null : fetch(new LookUp(door(source), request, choice, size));
    }

    private Handover.Fetch fetch(Handover.Source source) {
        return new Handover.Fetch(source, -1, new Handover.Terms(config.load(), true, false));
    }

    private RemoteSource.Connection door(ObjectNode peer) {
        String host = peer.path(Roles.HOST).asString("");
        int port = Math.clamp(peer.path(Roles.PORT).asInt(0), 0, 65_535);
        return () -> RemoteEngine.connect(new InetSocketAddress(host, port), "", site.compatibility());
    }

    private static String name(ObjectNode peer) {
        return peer.path(Roles.ID).asString("");
    }
}
