// SPDX-License-Identifier: Apache-2.0
package dev.tandem.gateway.resume;

import dev.tandem.core.request.ApiKind;
import dev.tandem.gateway.answer.WholeEvents;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ObjectNode;

/**
 * What all events of a client's stream have in common, and the events that another worker's become in it. Confined to
 * one request.
 */
final class Envelope {
    private static final String[] FIELDS = {"id", "object", "created", "model"};

    private final ApiKind api;
    private final ObjectNode head = Chunk.JSON.createObjectNode();

    Envelope(ApiKind api) {
        this.api = api;
    }

    /** Takes the common fields from the first event. */
    void takeFrom(ObjectNode event) {
        if (head.isEmpty()) {
            for (String field : FIELDS) {
                head.set(field, event.path(field));
            }
        }
    }

    /** Returns an event with a further piece of text, made of one of a completion. */
    String piece(Chunk chunk, String text, boolean showsIds) {
        ObjectNode event = head.deepCopy();
        JsonNode said = chunk.choice();
        ObjectNode choice = event.putArray("choices").addObject().put("index", 0);
        if (api == ApiKind.CHAT) {
            choice.putObject("delta").put("content", text);
        } else {
            choice.put("text", text);
        }
        choice.putNull("logprobs").set("finish_reason", said.path("finish_reason"));
        if (api != ApiKind.CHAT || chunk.finishes()) {
            choice.set("stop_reason", said.path("stop_reason"));
        }
        if (api != ApiKind.CHAT) {
            choice.putNull("prompt_token_ids");
        }
        choice.set("token_ids", showsIds ? said.path("token_ids") : null);
        return written(event, chunk.event());
    }

    /**
     * Returns the event with the usage of the whole answer.
     *
     * @param before tokens of the answer that stood in the prompt of the worker that went on
     */
    String usage(Chunk chunk, int before) {
        ObjectNode event = head.deepCopy();
        event.putArray("choices");
        ObjectNode usage = (ObjectNode) chunk.event().path("usage");
        int prompt = usage.path("prompt_tokens").asInt(0) - before;
        usage.put("prompt_tokens", prompt);
        usage.put("completion_tokens", usage.path("completion_tokens").asInt(0) + before);
        if (usage.path("prompt_tokens_details") instanceof ObjectNode details
                && details.path("cached_tokens").asInt(0) > prompt) {
            details.put("cached_tokens", prompt);
        }
        event.set("usage", usage);
        return written(event, chunk.event());
    }

    /** Returns an event with a usage that nobody has told. */
    String usage(int promptTokens, int outputTokens) {
        ObjectNode event = head.deepCopy();
        event.putArray("choices");
        event.putObject("usage")
                .put("prompt_tokens", promptTokens)
                .put("total_tokens", promptTokens + outputTokens)
                .put("completion_tokens", outputTokens);
        return written(event, Chunk.JSON.createObjectNode());
    }

    private static String written(ObjectNode event, ObjectNode source) {
        JsonNode fingerprint = source.path("system_fingerprint");
        if (!fingerprint.isMissingNode()) {
            event.set("system_fingerprint", fingerprint);
        }
        byte[] json = Chunk.JSON.writeValueAsBytes(event);
        return "data: " + new String(json, WholeEvents.BYTES) + "\n\n";
    }
}
