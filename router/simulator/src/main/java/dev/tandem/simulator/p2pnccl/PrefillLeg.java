// SPDX-License-Identifier: Apache-2.0
package dev.tandem.simulator.p2pnccl;

import dev.tandem.simulator.engine.Handover;
import dev.tandem.simulator.generate.GenerateRequest;
import dev.tandem.simulator.peer.Outgoing;
import dev.tandem.simulator.transfer.Leg;
import java.net.InetSocketAddress;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.CopyOnWriteArrayList;

/** A request whose KV is pushed to the decode engine that its id names, before the answer leaves. Thread-safe. */
final class PrefillLeg implements Leg {
    private final P2pNcclConnector connector;
    private final GenerateRequest request;
    private final InetSocketAddress decode;
    private final List<CompletableFuture<Void>> pushed = new CopyOnWriteArrayList<>();

    PrefillLeg(P2pNcclConnector connector, GenerateRequest request, InetSocketAddress decode) {
        this.connector = connector;
        this.request = request;
        this.decode = decode;
    }

    @Override
    public Handover handover(int choice) {
        Outgoing outgoing = new Outgoing(connector.engine(), request, choice);
        String name = connector.tensorId(request, choice);
        pushed.add(outgoing.contents()
                .thenAcceptAsync(
                        blocks -> connector.push(decode, name, blocks), task -> Thread.startVirtualThread(task)));
        return outgoing.handover();
    }

    @Override
    public CompletionStage<Void> completed() {
        return CompletableFuture.allOf(pushed.toArray(CompletableFuture[]::new));
    }
}
