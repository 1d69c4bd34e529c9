// SPDX-License-Identifier: Apache-2.0
package dev.tandem.simulator.moriio;

import dev.tandem.simulator.engine.Handover;
import dev.tandem.simulator.generate.GenerateRequest;
import dev.tandem.simulator.peer.MailSource;
import dev.tandem.simulator.peer.RemoteSource;
import dev.tandem.simulator.transfer.Leg;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import tools.jackson.databind.node.ObjectNode;

/**
 * What a decode engine does with a request. Confined to one request.
 *
 * <p>It takes for granted that all KV comes from elsewhere, also for a request that says nothing of the kind: such a
 * one reads what happens to be in its blocks, or waits for ever.
 */
final class DecodeLeg {
    private final MoriioConnector connector;
    private final int blocks;

    DecodeLeg(MoriioConnector connector, GenerateRequest request) {
        int size = connector.engine().shape().blockSize();
        this.connector = connector;
        this.blocks = (request.promptOf(0).tokens().length + size - 1) / size;
    }

    /** Returns the leg of a request without a usable hand-over. */
    Leg plain() {
        CompletableFuture<List<Handover.Block>> nothing =
                connector.config().reads() ? CompletableFuture.completedFuture(List.of()) : new CompletableFuture<>();
        return choice -> new Handover.Fetch(new MailSource(nothing, blocks, false), -1);
    }

    /** Returns the leg of a request with a hand-over from an engine. */
    Leg leg(ObjectNode params, PeerAddress prefill) {
        String transferId = params.path(Params.TRANSFER).asString("");
        if (!connector.config().reads()) {
            return new Written(transferId);
        }
        List<Integer> ids = Params.blocks(params);
        if (ids.isEmpty() || !params.has(Params.ENGINE)) {
            return plain();
        }
        if (ids.size() < blocks) {
            return MoriioConnector.fatal("AssertionError: len(local_block_ids) <= len(remote_block_ids)");
        }
        return choice -> new Handover.Fetch(new RemoteSource(() -> connector.connect(prefill), transferId, ids), -1);
    }

    /** A request whose KV the prefill engine writes. Thread-safe. */
    private final class Written implements Leg {
        private final String transferId;

        Written(String transferId) {
            this.transferId = transferId;
        }

        @Override
        public Handover handover(int choice) {
            return new Handover.Fetch(new MailSource(connector.mailbox().letter(transferId), blocks, false), -1);
        }

        @Override
        public void ended() {
            connector.mailbox().remove(transferId);
        }
    }
}
