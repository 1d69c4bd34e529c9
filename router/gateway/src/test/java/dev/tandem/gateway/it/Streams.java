// SPDX-License-Identifier: Apache-2.0
package dev.tandem.gateway.it;

import dev.tandem.gateway.it.RawClient.Answer;
import tools.jackson.core.exc.StreamReadException;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/** Reads completions and chats, streamed or not. */
final class Streams {
    private Streams() {}

    /** Returns the text that an answer has brought; its last event may be half of one. */
    static String text(Answer answer) {
        StringBuilder text = new StringBuilder();
        for (String line : answer.text().lines().toList()) {
            String json = line.startsWith("data: ") ? line.substring(6) : line;
            if (json.startsWith("{") && json.endsWith("}")) {
                JsonNode choice = read(json).path("choices").path(0);
                text.append(choice.path("text").asString(""))
                        .append(choice.path("delta").path("content").asString(""))
                        .append(choice.path("message").path("content").asString(""));
            }
        }
        return text.toString();
    }

    /** Half an event may end with a brace, too. */
    private static JsonNode read(String json) {
        try {
            return JsonMapper.shared().readTree(json);
        } catch (StreamReadException half) {
            return JsonMapper.shared().createObjectNode();
        }
    }
}
