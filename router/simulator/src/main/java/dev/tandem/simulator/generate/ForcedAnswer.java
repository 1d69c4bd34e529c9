// SPDX-License-Identifier: Apache-2.0
package dev.tandem.simulator.generate;

import dev.tandem.simulator.text.SchemaSample;
import dev.tandem.simulator.text.Tokenizer;
import dev.tandem.simulator.wire.Json;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.JsonNode;

/**
 * An answer whose form is fixed by a JSON schema, as structured output does. Immutable.
 *
 * @param tool Name of the tool to call; null if the answer itself is the JSON.
 * @param required The client asked for some tool call, not for this tool.
 * @param schema Schema of the arguments or of the answer.
 */
public record ForcedAnswer(@Nullable String tool, boolean required, JsonNode schema) {
    static final String CALL_OPEN = "<tool_call>\n{\"name\": ";
    static final String CALL_ARGUMENTS = ", \"arguments\": ";
    static final String CALL_CLOSE = "}\n</tool_call>";

    /** Returns the tokens that the model is made to say for a prompt of this content. */
    int[] script(long content) {
        String json = Json.text(SchemaSample.of(schema, content));
        return Tokenizer.TOY.encode(tool == null ? json : callPrefix() + json + CALL_CLOSE);
    }

    /** Returns the text in front of the arguments. */
    String callPrefix() {
        return CALL_OPEN + Json.quote(new StringBuilder(), tool == null ? "" : tool) + CALL_ARGUMENTS;
    }
}
