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
    private final Map<Integer, String> names = new ConcurrentHashMap<>();
    private final Map<Integer, Kept> kept = new ConcurrentHashMap<>();

    PrefillLeg(NixlConnector connector, GenerateRequest request) {
        this.connector = connector;
        this.request = request;
    }

    @Override
    public Handover handover(int choice) {
        String name = InternalId.random(request, choice);
        names.put(choice, name);
        return new Handover.Keep(name, connector.config().lease(), blocks -> kept.put(choice, blocks));
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
        connector.onHandedOut(name, params, request);
        return params;
    }
}
