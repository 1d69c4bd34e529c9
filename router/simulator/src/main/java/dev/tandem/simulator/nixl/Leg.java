// SPDX-License-Identifier: Apache-2.0
package dev.tandem.simulator.nixl;

import dev.tandem.simulator.engine.Handover;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.node.ObjectNode;

/** The part that one request has in a hand-over. Thread-safe. */
public interface Leg {
    /** The request takes part in no hand-over. */
    Leg NONE = new Leg() {
        @Override
        public @Nullable Handover handover(int choice) {
            return null;
        }

        @Override
        public @Nullable ObjectNode params() {
            return null;
        }
    };

    /** Returns what one of the request's answers has to do with another engine's KV; null for nothing. */
    @Nullable
    Handover handover(int choice);

    /** Returns the {@code kv_transfer_params} of the whole answer, once it is complete; null for none. */
    @Nullable
    ObjectNode params();
}
