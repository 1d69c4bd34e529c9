// SPDX-License-Identifier: Apache-2.0
package dev.tandem.simulator.strict;

import java.util.Set;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ObjectNode;

/**
 * What a correct router never sends on any leg, whatever the connector. A violation is a sentence for the person who
 * writes the router.
 */
public final class LegRules {
    private LegRules() {}

    /** Returns what is wrong if a body has several prompts; null if it has one. */
    public static @Nullable String promptList(ObjectNode body) {
        JsonNode prompt = body.path("prompt");
        return prompt.isArray() && prompt.size() > 1 && !prompt.path(0).isNumber()
                ? "prompt: a list of prompts (expected: one prompt in a hand-over)"
                : null;
    }

    /** Returns what is wrong if parameters have a key that does not belong there; null if they have none. */
    public static @Nullable String unknownKey(ObjectNode params, Set<String> known) {
        return params.propertyNames().stream()
                .filter(key -> !known.contains(key))
                .findFirst()
                .map(key -> "kv_transfer_params." + key + ": unknown key (expected: nothing that a client sends)")
                .orElse(null);
    }

    /** Returns the first key that is missing or null, or null if all are there. */
    public static @Nullable String missing(ObjectNode params, Iterable<String> keys) {
        for (String key : keys) {
            if (!params.hasNonNull(key)) {
                return key;
            }
        }
        return null;
    }
}
