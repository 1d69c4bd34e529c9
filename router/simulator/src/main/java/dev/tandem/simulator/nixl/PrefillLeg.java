// SPDX-License-Identifier: Apache-2.0
package dev.tandem.simulator.nixl;

import dev.tandem.simulator.engine.Handover;
import dev.tandem.simulator.engine.Handover.Kept;
import dev.tandem.simulator.generate.GenerateRequest;
import dev.tandem.simulator.generate.Piece;
import dev.tandem.simulator.transfer.InternalId;
import dev.tandem.simulator.transfer.Leg;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.node.ObjectNode;

/**
 * A request whose KV is for another engine. Thread-safe.
 *
 * <p>Every sample keeps blocks, but the answer names only those of the first prompt's last sample, as vLLM 0.32.0 does:
 * the others stay until their lease ends.
 */
final class PrefillLeg implements Leg {
    private final NixlConnector connector;
    private final GenerateRequest request;
    private final Handover.@Nullable Fetch lastTurn;
    private final Map<Integer, String> names = new ConcurrentHashMap<>();
    private final Map<Integer, Kept> kept = new ConcurrentHashMap<>();

    /** Makes one that first reads blocks of the last turn, unless they are null. */
    PrefillLeg(NixlConnector connector, GenerateRequest request, Handover.@Nullable Fetch lastTurn) {
        this.connector = connector;
        this.request = request;
        this.lastTurn = lastTurn;
    }

    @Override
    public Handover handover(int choice) {
        String name = InternalId.random(request, choice);
        names.put(choice, name);
        Handover.Keep keep = new Handover.Keep(name, connector.config().lease(), blocks -> kept.put(choice, blocks));
        return lastTurn == null ? keep : new Handover.Relay(lastTurn, keep);
    }

    @Override
    public @Nullable ObjectNode params(List<Piece> pieces) {
        int choice = request.sampling().n() - 1;
        Kept blocks = kept.get(choice);
        String name = names.get(choice);
        if (blocks == null || name == null) {
            return null;
        }
        ObjectNode params = Params.answered(connector.config(), connector.engineId(), name, blocks);
        connector.onHandedOut(name, params, request.digest());
        return params;
    }
}
