// SPDX-License-Identifier: Apache-2.0
package dev.tandem.gateway.it;

import dev.tandem.gateway.it.RawClient.Answer;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/** Reads completions, streamed or not. */
final class Streams {
    private Streams() {}

    /** Returns the text that an answer has brought; its last event may be half of one. */
    static String text(Answer answer) {
        StringBuilder text = new StringBuilder();
        for (String line : answer.text().lines().toList()) {
            String json = line.startsWith("data: ") ? line.substring(6) : line;
            if (json.startsWith("{") && json.endsWith("}")) {
                JsonNode choices = JsonMapper.shared().readTree(json).path("choices");
                text.append(choices.path(0).path("text").asString(""));
            }
        }
        return text.toString();
    }
}
