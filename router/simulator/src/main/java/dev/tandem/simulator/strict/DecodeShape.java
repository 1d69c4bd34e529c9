// SPDX-License-Identifier: Apache-2.0
package dev.tandem.simulator.strict;

import org.jspecify.annotations.Nullable;
import tools.jackson.databind.node.ObjectNode;

/**
 * What a correct router makes of any body for a decode leg, whatever the connector: it asks for nothing that only the
 * engine can tell that computes the prompt. vLLM fails such a leg, or computes the prompt again and leaves the other
 * engine's KV where it is (vllm-project/vllm#50792, #57269).
 */
public final class DecodeShape {
    private DecodeShape() {}

    /** Returns what is wrong with the body of a decode leg; null if nothing. */
    public static @Nullable String violation(ObjectNode body) {
        return body.hasNonNull("prompt_logprobs")
                ? "prompt_logprobs: " + body.get("prompt_logprobs") + " (expected: absent on a decode leg)"
                : null;
    }

    /** Returns what is wrong with the body of a decode leg that can have one sample only; null if nothing. */
    public static @Nullable String violation(ObjectNode body, String leg) {
        String samples = PrefillShape.samples(body, leg);
        return samples == null ? violation(body) : samples;
    }
}
