// SPDX-License-Identifier: Apache-2.0
package dev.tandem.simulator.lmcache;

import dev.tandem.simulator.engine.Handover;
import dev.tandem.simulator.generate.GenerateRequest;
import dev.tandem.simulator.generate.Piece;
import dev.tandem.simulator.peer.Outgoing;
import dev.tandem.simulator.transfer.Leg;
import dev.tandem.simulator.wire.Json;
import java.util.List;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.CopyOnWriteArrayList;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.node.ObjectNode;

/** A request whose KV is pushed before the answer leaves, and of which a router is told then. Thread-safe. */
final class SenderLeg implements Leg {
    private final PdSender sender;
    private final GenerateRequest request;
    private final @Nullable Destination destination;
    private final boolean firstToken;
    private final Set<String> faults;
    private final List<CompletableFuture<Boolean>> pushed = new CopyOnWriteArrayList<>();

    SenderLeg(
            PdSender sender,
            GenerateRequest request,
            @Nullable Destination destination,
            boolean firstToken,
            Set<String> faults) {
        this.sender = sender;
        this.request = request;
        this.destination = destination;
        this.firstToken = firstToken;
        this.faults = faults;
    }

    @Override
    public @Nullable Handover handover(int choice) {
        Destination to = destination;
        if (to == null) {
            return null;
        }
        Outgoing outgoing = new Outgoing(sender.engine(), request, choice);
        long[] keys = sender.engine().shape().blockKeys(request.promptOf(choice).tokens(), request.salt());
        pushed.add(outgoing.contents()
                .thenApplyAsync(blocks -> sender.push(to, keys, blocks), task -> Thread.startVirtualThread(task)));
        return outgoing.handover();
    }

    @Override
    public CompletionStage<Void> completed() {
        CompletableFuture<Void> all = CompletableFuture.allOf(pushed.toArray(CompletableFuture[]::new));
        return sender.early() ? all.thenCompose(sent -> tell()) : all;
    }

    @Override
    public @Nullable ObjectNode params(List<Piece> pieces) {
        return firstToken && !pieces.isEmpty()
                ? Json.object().put("first_tok", pieces.getFirst().token())
                : null;
    }

    @Override
    public void ended() {
        if (!sender.early()) {
            tell();
        }
    }

    /** Nobody is told of a push that has failed or has not ended. */
    private CompletionStage<Void> tell() {
        boolean sent = !pushed.isEmpty() && pushed.stream().allMatch(push -> push.getNow(false));
        return sent && destination != null ? sender.tell(destination, faults) : CompletableFuture.completedFuture(null);
    }
}
