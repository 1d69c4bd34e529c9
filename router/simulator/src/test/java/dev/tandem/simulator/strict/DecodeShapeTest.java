// SPDX-License-Identifier: Apache-2.0
package dev.tandem.simulator.strict;

import static org.assertj.core.api.Assertions.assertThat;

import dev.tandem.simulator.wire.Json;
import org.junit.jupiter.api.Test;
import tools.jackson.databind.node.ObjectNode;

class DecodeShapeTest {
    @Test
    void aDecodeLegIsNotAskedAboutThePrompt() {
        ObjectNode body = Json.object().put("prompt", "a").put("prompt_logprobs", 0);

        assertThat(DecodeShape.violation(body)).startsWith("prompt_logprobs: 0 (expected: absent");
        assertThat(DecodeShape.violation(body.putNull("prompt_logprobs"))).isNull();
        assertThat(DecodeShape.violation(body.put("n", 2), "this leg")).isEqualTo("n: 2 (expected: 1 on this leg)");
        assertThat(DecodeShape.violation(body.put("n", 1), "this leg")).isNull();
    }
}
