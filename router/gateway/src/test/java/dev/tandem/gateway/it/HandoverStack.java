// SPDX-License-Identifier: Apache-2.0
package dev.tandem.gateway.it;

import static org.assertj.core.api.Assertions.assertThat;

import dev.tandem.core.fleet.EngineFacts;
import dev.tandem.core.fleet.Fleet;
import dev.tandem.core.fleet.KvAddress;
import dev.tandem.core.fleet.Role;
import dev.tandem.core.fleet.WorkerStatus;
import dev.tandem.gateway.it.RawClient.Answer;
import dev.tandem.simulator.http.Fault;
import dev.tandem.simulator.http.SeenRequest;
import dev.tandem.simulator.http.ServerHandler;
import java.io.IOException;
import java.net.URI;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.function.Consumer;

/** Strict simulated engines of one protocol in one topology, with the gateway in front of them. */
final class HandoverStack implements AutoCloseable {
    private static final String ALONE = "alone";
    private static final String NOTIFY_PORT = "61005";

    private final Map<String, ServerHandler.Owner> engines = new LinkedHashMap<>();
    private final HandoverLeg leg;
    private final GatewayRig rig;

    /** What stands before an engine. */
    interface Front {
        /** Returns the address that the gateway gets. */
        URI before(String id, URI engine);
    }

    private HandoverStack(
            HandoverProtocols protocol, int prefills, int decodes, Consumer<GatewayRig.Setup> settings, Front front) {
        leg = HandoverLeg.of(protocol.connector());
        GatewayRig.Setup setup = GatewayRig.setup()
                .set("tandem.disagg.connector", protocol.connector())
                .set("tandem.disagg.min-prompt-tokens", "16")
                .set("tandem.routing.prefill-policy", "session")
                .set("tandem.routing.decode-policy", "session")
                .set("tandem.engine.stream-silence", "2s")
                .set("tandem.engine.answer-silence", "4s")
                .set("tandem.engine.connect-timeout", "2s")
                // No connection is used twice: whether a dead one has been noticed yet would be chance.
                .set("tandem.engine.idle-timeout", "1ms")
                .set("tandem.health.probes-up", "1")
                .set("tandem.health.failures-down", "1000000");
        settings.accept(setup);
        protocol.settings().forEach(setup::set);
        List<ServerHandler.Owner> receivers = new ArrayList<>();
        for (int i = 1; i <= decodes; i++) {
            receivers.add(start("d" + i, protocol, Role.DECODE, receivers));
        }
        for (int i = 1; i <= prefills; i++) {
            start("p" + i, protocol, Role.PREFILL, receivers);
        }
        int number = 0;
        for (Map.Entry<String, ServerHandler.Owner> engine : engines.entrySet()) {
            String id = engine.getKey();
            setup.worker(id, front.before(id, engine.getValue().baseUrl()), roleOf(id));
            if (protocol.addressed() && engine.getValue().sideChannelPort() > 0) {
                String kv = "tandem.workers[" + number + "].kv.";
                setup.set(kv + "port", Integer.toString(engine.getValue().sideChannelPort()))
                        .set(kv + "second-port", NOTIFY_PORT);
            }
            number++;
        }
        rig = setup.start();
        engines.put(ALONE, protocol.servers().start(Role.UNIFIED, List.of()));
    }

    static HandoverStack start(HandoverProtocols protocol, int prefills, int decodes) {
        return start(protocol, prefills, decodes, Map.of());
    }

    /** Starts with more settings of the gateway, or others. */
    static HandoverStack start(HandoverProtocols protocol, int prefills, int decodes, Map<String, String> settings) {
        return start(protocol, prefills, decodes, setup -> settings.forEach(setup::set), (id, engine) -> engine);
    }

    /** Starts with something between the gateway and the engines. */
    static HandoverStack start(
            HandoverProtocols protocol, int prefills, int decodes, Consumer<GatewayRig.Setup> settings, Front front) {
        return new HandoverStack(protocol, prefills, decodes, settings, front);
    }

    /** Returns what a single engine answers. */
    Answer alone(String path, String ask) throws IOException {
        return RawClient.post(engine(ALONE).port(), path, ask);
    }

    /** Returns what is between the legs. */
    HandoverLeg leg() {
        return leg;
    }

    GatewayRig rig() {
        return rig;
    }

    /** Lets an engine fail once, if there is one of that name. */
    void arm(String id, Fault fault) {
        ServerHandler.Owner engine = engines.get(id);
        if (engine != null) {
            engine.faults().add(fault);
        }
    }

    /** Returns the ids of the gateway's workers. */
    List<String> ids() {
        return engines.keySet().stream().filter(id -> !id.equals(ALONE)).toList();
    }

    ServerHandler.Owner engine(String id) {
        return Objects.requireNonNull(engines.get(id), id);
    }

    /** Restarts what is broken, forgets faults, and returns when the gateway knows the engines as they are now. */
    void mend(String... ids) {
        for (String id : ids) {
            ServerHandler.Owner engine = engine(id);
            engine.faults().clear();
            engine.restart();
        }
        Fleet fleet = rig.bean(Fleet.class);
        Poll.until(
                () -> "engines known: " + fleet.statuses(),
                () -> fleet.statuses().stream().allMatch(this::known));
    }

    /** Returns what a correct router never sends and was sent all the same. */
    List<SeenRequest> violations() {
        return engines.values().stream()
                .flatMap(engine -> engine.journal().violations().stream())
                .toList();
    }

    private boolean known(WorkerStatus status) {
        EngineFacts facts = status.facts();
        KvAddress kv = facts.kv();
        boolean renamed = kv != null
                && kv.engineId() != null
                && !kv.engineId().equals(engine(status.worker().id()).engineId());
        return status.state().serving() && !renamed;
    }

    private ServerHandler.Owner start(
            String id, HandoverProtocols protocol, Role role, List<ServerHandler.Owner> receivers) {
        ServerHandler.Owner engine = protocol.servers().start(role, receivers);
        assertThat(engines.put(id, engine)).isNull();
        return engine;
    }

    private static Role roleOf(String id) {
        return id.startsWith("p") ? Role.PREFILL : Role.DECODE;
    }

    @Override
    public void close() {
        engines.values().forEach(ServerHandler.Owner::close); // before the event loops, which go with the gateway
        rig.close();
    }
}
