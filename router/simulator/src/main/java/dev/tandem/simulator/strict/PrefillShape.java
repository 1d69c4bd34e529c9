// SPDX-License-Identifier: Apache-2.0
package dev.tandem.simulator.strict;

import org.jspecify.annotations.Nullable;
import tools.jackson.databind.node.ObjectNode;

/** What a correct router makes of any body for a prefill leg, whatever the connector: one token, not streamed. */
public final class PrefillShape {
    private PrefillShape() {}

    /** Returns what is wrong with the body of a prefill leg; null if nothing. */
    public static @Nullable String violation(ObjectNode body) {
        if (body.path("stream").asBoolean(false)) {
            return "stream: true (expected: false on a prefill leg; a stream carries no kv_transfer_params)";
        }
        if (present(body, "stream_options")) {
            return "stream_options: present (expected: absent on a prefill leg)";
        }
        String samples = samples(body, "a prefill leg");
        if (samples != null) {
            return samples;
        }
        for (String key : new String[] {"min_tokens", "min_completion_tokens"}) {
            if (body.path(key).asInt(0) > 1) {
                return key + ": " + body.get(key) + " (expected: at most 1 on a prefill leg)";
            }
        }
        return limit(body);
    }

    /** Returns what is wrong with a body on some kind of leg that can have one sample only; null if nothing. */
    public static @Nullable String samples(ObjectNode body, String leg) {
        for (String key : new String[] {"n", "best_of"}) {
            if (body.path(key).asInt(1) != 1) {
                return key + ": " + body.get(key) + " (expected: 1 on " + leg + ")";
            }
        }
        return null;
    }

    private static @Nullable String limit(ObjectNode body) {
        for (String key : new String[] {"max_completion_tokens", "max_output_tokens", "max_tokens"}) {
            if (present(body, key)) {
                return body.path(key).asInt(0) == 1
                        ? null
                        : key + ": " + body.get(key) + " (expected: 1 on a prefill leg)";
            }
        }
        return "max_tokens: absent (expected: 1 on a prefill leg)";
    }

    private static boolean present(ObjectNode body, String key) {
        return body.hasNonNull(key);
    }
}
