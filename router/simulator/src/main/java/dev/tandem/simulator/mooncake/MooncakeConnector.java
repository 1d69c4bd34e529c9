// SPDX-License-Identifier: Apache-2.0
package dev.tandem.simulator.mooncake;

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
import dev.tandem.simulator.strict.LegRules;
import dev.tandem.simulator.transfer.Asked;
import dev.tandem.simulator.transfer.Claim;
import dev.tandem.simulator.transfer.Connector;
import dev.tandem.simulator.transfer.KvRole;
import dev.tandem.simulator.transfer.Leg;
import dev.tandem.simulator.transfer.Site;
import java.io.IOException;
import java.util.HashMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import tools.jackson.databind.node.ObjectNode;

/**
 * The Mooncake connector of one engine process. Thread-safe.
 *
 * <p>The prefill engine keeps its blocks under the transfer id if the limit of one token ended its leg; after a stop
 * token there is nothing to fetch. A decode leg whose fetch cannot succeed is not told: it waits until its client
 * leaves. A leg on an engine of the other role fails an assertion and kills it.
 */
final class MooncakeConnector implements Connector {
    private static final Logger log = LoggerFactory.getLogger(MooncakeConnector.class);
    private static final String FIELD = "kv_transfer_params.transfer_id";

    private final MooncakeConfig config;
    private final Site site;
    private final Meetings meetings;
    private final Workers workers = new Workers();
    private final SideChannel channel;
    private final @Nullable Bootstrap bootstrap;

    /** Opens the ports of an engine; throws {@link java.io.UncheckedIOException} if one is taken. */
    MooncakeConnector(MooncakeConfig config, Site site) {
        this.site = site;
        this.meetings = new Meetings(site.engine());
        this.channel = SideChannel.open(config.host(), 0, Peer.of(site, meetings));
        try {
            this.bootstrap = config.role() == KvRole.CONSUMER ? null : Bootstrap.start(config, site, channel.port());
        } catch (RuntimeException e) {
            channel.close();
            throw e;
        }
        this.config = config.withBootstrap(config.host(), bootstrap == null ? 0 : bootstrap.port());
    }

    @Override
    public MooncakeConfig config() {
        return config;
    }

    /** Returns the port of the bootstrap server. */
    @Override
    public int port() {
        return config.bootstrapPort();
    }

    @Override
    public @Nullable String violation(Asked asked) {
        ObjectNode params = asked.params();
        return params == null ? null : StrictRules.violation(asked.body(), params, config.role());
    }

    @Override
    public Leg leg(Asked asked, GenerateRequest request) {
        ObjectNode params = asked.params();
        if (params == null) {
            return Leg.NONE;
        }
        if (isSet(params, StrictRules.REMOTE_PREFILL)) {
            return config.role() == KvRole.PRODUCER ? dead("is_kv_producer") : decodeLeg(params);
        }
        if (!isSet(params, StrictRules.REMOTE_DECODE)) {
            return Leg.NONE;
        }
        return config.role() == KvRole.CONSUMER ? dead("is_kv_consumer") : prefillLeg(params, request);
    }

    @Override
    public @Nullable Claim claim(Asked asked, GenerateRequest request) {
        ObjectNode params = asked.params();
        if (params == null) {
            return null;
        }
        String name = name(params);
        return isSet(params, StrictRules.REMOTE_PREFILL)
                ? NameClaims.ofDecode(door(params), FIELD, name, request.digest())
                : NameClaims.ofPrefill(meetings, FIELD, name, request.digest());
    }

    @Override
    public Map<String, Long> facts() {
        Map<String, Long> facts = new HashMap<>(meetings.facts());
        facts.put("bootstrap_queries", bootstrap == null ? 0 : bootstrap.queries());
        return facts;
    }

    @Override
    public void close() {
        channel.close();
        workers.close();
        if (bootstrap != null) {
            bootstrap.close();
        }
    }

    private static Leg dead(String assertion) {
        Handover fate = new Handover.Fatal("AssertionError: not self." + assertion, true);
        return choice -> fate;
    }

    private Leg prefillLeg(ObjectNode params, GenerateRequest request) {
        String name = name(params);
        if (name.isEmpty()) {
            log.warn("Missing transfer_id in kv_transfer_params from router!");
            return Leg.NONE;
        }
        return new HostLeg(meetings, request, new HostLeg.Terms(choice -> name, config.hold(), false));
    }

    private Leg decodeLeg(ObjectNode params) {
        Visit.Manners manners = new Visit.Manners(false, false, true, -1);
        return choice -> new Handover.Fetch(new Visit(door(params), name(params), manners), -1);
    }

    private RemoteSource.Connection door(ObjectNode params) {
        String missing = LegRules.missing(params, StrictRules.NEEDED);
        if (missing != null) {
            return () -> {
                throw new IOException("Got invalid KVTransferParams: no " + missing);
            };
        }
        String id = params.path(StrictRules.ENGINE).asString("");
        String address = params.path(StrictRules.BOOTSTRAP).asString("");
        return () -> RemoteEngine.connect(workers.find(id, address), id, site.compatibility());
    }

    private static String name(ObjectNode params) {
        return params.path(StrictRules.TRANSFER).asString("");
    }

    private static boolean isSet(ObjectNode params, String flag) {
        return params.path(flag).asBoolean(false);
    }
}
