// SPDX-License-Identifier: Apache-2.0
package dev.tandem.simulator.transfer;

import dev.tandem.simulator.engine.Handover;
import dev.tandem.simulator.generate.Piece;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.node.ObjectNode;

/** The part that one request has in a hand-over. Implementations are thread-safe. */
public interface Leg {
    /** The request takes part in no hand-over. */
    Leg NONE = choice -> null;

    /** Returns what one of the request's answers has to do with another engine's KV; null for nothing. */
    @Nullable
    Handover handover(int choice);

    /** Notes that all answers are complete and returns when the end may leave; called on the engine's thread. */
    default CompletionStage<Void> completed() {
        return CompletableFuture.completedFuture(null);
    }

    /** Returns the {@code kv_transfer_params} of the answer, which is not a stream, from its pieces; null for none. */
    default @Nullable ObjectNode params(List<Piece> pieces) {
        return null;
    }

    /** Notes that the request is over: answered, failed or left by its client. */
    default void ended() {}
}
