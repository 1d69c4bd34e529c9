// SPDX-License-Identifier: Apache-2.0
package dev.tandem.simulator.p2pnccl;

import dev.tandem.simulator.engine.Handover;
import dev.tandem.simulator.generate.GenerateRequest;
import dev.tandem.simulator.peer.MailSource;
import dev.tandem.simulator.peer.Mailbox;
import dev.tandem.simulator.transfer.Leg;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;

/**
 * A request that waits for KV under its id, for ever if need be, and with it the whole engine, as vLLM's worker does.
 * Its end frees what was pushed. Thread-safe.
 */
final class DecodeLeg implements Leg {
    private final P2pNcclConnector connector;
    private final GenerateRequest request;
    private final Map<Integer, String> names = new ConcurrentHashMap<>();

    DecodeLeg(P2pNcclConnector connector, GenerateRequest request) {
        this.connector = connector;
        this.request = request;
    }

    @Override
    public Handover handover(int choice) {
        Mailbox mailbox = connector.mailbox();
        String name = connector.tensorId(request, choice);
        names.put(choice, name);
        int size = connector.engine().shape().blockSize();
        int blocks = (request.promptOf(choice).tokens().length + size - 1) / size;
        return new Handover.Fetch(new MailSource(mailbox.letter(name), blocks, true), -1);
    }

    @Override
    public void ended() {
        names.values().forEach(connector.mailbox()::remove);
    }
}
