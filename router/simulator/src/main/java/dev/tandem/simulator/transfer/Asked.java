// SPDX-License-Identifier: Apache-2.0
package dev.tandem.simulator.transfer;

import java.util.Set;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.node.ObjectNode;

/**
 * What has come over HTTP, as far as it concerns a hand-over. Immutable; the body must not be changed.
 *
 * @param body The whole body.
 * @param header Gives the first value of a header, whatever the case of its name; null if it is absent.
 * @param faults Names of the faults that hit the request.
 */
public record Asked(ObjectNode body, Function<String, @Nullable String> header, Set<String> faults) {
    /** Copies the set. */
    public Asked {
        faults = Set.copyOf(faults);
    }

    /** Returns the {@code kv_transfer_params}; null if they are absent or no object. */
    public @Nullable ObjectNode params() {
        return body.get("kv_transfer_params") instanceof ObjectNode params ? params : null;
    }
}
