// SPDX-License-Identifier: Apache-2.0
package dev.tandem.simulator.nixl;

import dev.tandem.simulator.engine.Handover;
import dev.tandem.simulator.engine.Handover.Kept;
import dev.tandem.simulator.generate.GenerateRequest;
import dev.tandem.simulator.generate.Piece;
import dev.tandem.simulator.transfer.InternalId;
import dev.tandem.simulator.transfer.Leg;
import java.util.List;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.node.ObjectNode;

/**
 * A decode leg whose KV is kept for the next turn of the conversation. Thread-safe.
 *
 * <p>Streams do not say where it lies, and it is kept all the same. Source: vLLM 0.32.0, 2026-11-22.
 */
final class TurnLeg implements Leg {
    private final NixlConnector connector;
    private final GenerateRequest request;
    private final Handover.Fetch fetch;
    private final NixlConfig.Turns turns;
    private final String name;
    private volatile @Nullable Kept kept;

    TurnLeg(NixlConnector connector, GenerateRequest request, Handover.Fetch fetch, NixlConfig.Turns turns) {
        this.connector = connector;
        this.request = request;
        this.fetch = fetch;
        this.turns = turns;
        this.name = InternalId.random(request, 0);
    }

    @Override
    public Handover handover(int choice) {
        return choice == 0
                ? new Handover.Relay(fetch, new Handover.Keep(name, turns.life(), blocks -> kept = blocks))
                : fetch;
    }

    @Override
    public @Nullable ObjectNode params(List<Piece> pieces) {
        Kept blocks = kept;
        if (blocks == null) {
            return null;
        }
        ObjectNode params = Params.ofTurn(connector.config(), connector.engineId(), name, blocks, turns.life());
        int[] tokens = IntStream.concat(
                        IntStream.of(request.promptOf(0).tokens()),
                        pieces.stream().filter(piece -> piece.choice() == 0).mapToInt(Piece::token))
                .toArray();
        connector.onHandedOut(name, params, request.digest(tokens, blocks.computedTokens()));
        return params;
    }
}
