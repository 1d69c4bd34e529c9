// SPDX-License-Identifier: Apache-2.0
package dev.tandem.simulator.moriio;

import dev.tandem.simulator.engine.Finish;
import dev.tandem.simulator.engine.Handover;
import dev.tandem.simulator.engine.Handover.Kept;
import dev.tandem.simulator.generate.GenerateRequest;
import dev.tandem.simulator.generate.Piece;
import dev.tandem.simulator.transfer.InternalId;
import dev.tandem.simulator.transfer.Leg;
import dev.tandem.simulator.wire.Json;
import java.util.List;
import java.util.concurrent.atomic.AtomicReference;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.ObjectNode;

/**
 * A request whose blocks are kept under its transfer id until they are read, or written to the other engine. Of several
 * samples the first is handed over. Thread-safe.
 */
final class PrefillLeg implements Leg {
    private final MoriioConnector connector;
    private final GenerateRequest request;
    private final String transferId;
    private final PeerAddress decode;
    private final AtomicReference<@Nullable Kept> kept = new AtomicReference<>();

    PrefillLeg(MoriioConnector connector, GenerateRequest request, String transferId, PeerAddress decode) {
        this.connector = connector;
        this.request = request;
        this.transferId = transferId;
        this.decode = decode;
    }

    @Override
    public Handover handover(int choice) {
        String name = choice == 0 ? transferId : InternalId.random(request, choice);
        return new Handover.Keep(name, connector.config().lease(), blocks -> {
            if (choice == 0) {
                kept.set(blocks);
                connector.onKept(transferId, blocks, decode);
            }
        });
    }

    /** As in vLLM, only an answer that its limit has ended is handed over. */
    @Override
    public @Nullable ObjectNode params(List<Piece> pieces) {
        Kept blocks = kept.get();
        boolean limited = pieces.stream().anyMatch(piece -> piece.choice() == 0 && piece.finish() == Finish.LENGTH);
        if (blocks == null || !limited) {
            connector.engine().dropKept(transferId);
            return null;
        }
        ObjectNode params = Json.object().put(Params.REMOTE_PREFILL, true).put(Params.REMOTE_DECODE, false);
        ArrayNode ids = params.putArray(Params.BLOCKS);
        blocks.blocks().forEach(ids::add);
        params.put(Params.ENGINE, connector.engineId())
                .put(Params.HOST, connector.config().host())
                .put(Params.HANDSHAKE, connector.config().handshakePort())
                .put(Params.NOTIFY, connector.config().notifyPort())
                .put(Params.DP_SIZE, 1)
                .put("tp_size", connector.ranks())
                .put(Params.TRANSFER, transferId);
        connector.onHandedOut(transferId, params, request);
        return params;
    }
}
