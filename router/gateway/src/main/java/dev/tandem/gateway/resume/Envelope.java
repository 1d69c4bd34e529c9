// SPDX-License-Identifier: Apache-2.0
package dev.tandem.gateway.resume;

import dev.tandem.core.request.ApiKind;
import dev.tandem.gateway.answer.WholeEvents;
import dev.tandem.gateway.body.Resumable;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ObjectNode;

/**
 * What all events of a client's stream have in common, and the events that another worker's become in it. Confined to
 * one request.
 */
final class Envelope {
    private static final String[] FIELDS = {"id", "object", "created", "model"};
    private static final String TOKENS = "token_ids";
    private static final String PROMPT = "prompt_token_ids";
    private static final String FINGERPRINT = "system_fingerprint";

    private final ApiKind api;
    private final Resumable request;
    private final ObjectNode head = Chunk.JSON.createObjectNode();

    Envelope(ApiKind api, Resumable request) {
        this.api = api;
        this.request = request;
    }

    /** Whether the client has no event yet. */
    boolean isEmpty() {
        return head.isEmpty();
    }

    /** Takes the common fields from the first event. */
    void takeFrom(ObjectNode event) {
        if (head.isEmpty()) {
            for (String field : FIELDS) {
                head.set(field, event.path(field));
            }
        }
    }

    /**
     * Returns what an event of another worker becomes.
     *
     * @param text what it adds for the client
     * @param before tokens of the answer that stood in the prompt of that worker
     * @param promptNews whether the client has not been told the ids of the prompt's tokens
     */
    String rewritten(Chunk chunk, String text, int before, boolean promptNews) {
        if (chunk.api() == api) {
            return own(chunk, text, before, request.showsIds() && promptNews);
        }
        boolean adds = !text.isEmpty() || chunk.finishes();
        return (adds ? piece(chunk, text) : "")
                + (chunk.tellsUsage() && request.showsUsage() ? usage(chunk, before) : "");
    }

    private String own(Chunk chunk, String text, int before, boolean showsPrompt) {
        ObjectNode event = chunk.event();
        head.properties().forEach(field -> event.set(field.getKey(), field.getValue()));
        chunk.say(text);
        hide(event, PROMPT, showsPrompt);
        hide(chunk.choice(), PROMPT, showsPrompt);
        hide(chunk.choice(), TOKENS, request.showsIds());
        if (event.path("usage") instanceof ObjectNode usage && before > 0) {
            count(usage, before);
        }
        return written(event);
    }

    private static void hide(JsonNode node, String field, boolean shown) {
        if (!shown && node.path(field).isArray()) {
            ((ObjectNode) node).putNull(field);
        }
    }

    /** Makes a piece of a chat of one of a completion. */
    private String piece(Chunk chunk, String text) {
        ObjectNode event = head.deepCopy();
        JsonNode said = chunk.choice();
        ObjectNode choice = event.putArray("choices").addObject().put("index", 0);
        choice.putObject("delta").put("content", text);
        choice.putNull("logprobs").set("finish_reason", said.path("finish_reason"));
        if (chunk.finishes() && said.has("stop_reason")) {
            choice.set("stop_reason", said.path("stop_reason"));
        }
        choice.set(TOKENS, request.showsIds() ? said.path(TOKENS) : null);
        return written(event, chunk.event());
    }

    private String usage(Chunk chunk, int before) {
        ObjectNode event = head.deepCopy();
        event.putArray("choices");
        ObjectNode usage = (ObjectNode) chunk.event().path("usage");
        count(usage, before);
        event.set("usage", usage);
        return written(event, chunk.event());
    }

    /** Counts tokens that stood in the prompt as what they are: part of the answer. */
    private static void count(ObjectNode usage, int before) {
        int prompt = usage.path("prompt_tokens").asInt(0) - before;
        usage.put("prompt_tokens", prompt);
        usage.put("completion_tokens", usage.path("completion_tokens").asInt(0) + before);
        if (usage.path("prompt_tokens_details") instanceof ObjectNode details
                && details.path("cached_tokens").asInt(0) > prompt) {
            details.put("cached_tokens", prompt);
        }
    }

    /** Returns an event with a usage that nobody has told. */
    String usage(int promptTokens, int outputTokens) {
        ObjectNode event = head.deepCopy();
        event.putArray("choices");
        event.putObject("usage")
                .put("prompt_tokens", promptTokens)
                .put("total_tokens", promptTokens + outputTokens)
                .put("completion_tokens", outputTokens);
        return written(event);
    }

    private static String written(ObjectNode event, ObjectNode source) {
        JsonNode fingerprint = source.path(FINGERPRINT);
        if (!fingerprint.isMissingNode()) {
            event.set(FINGERPRINT, fingerprint);
        }
        return written(event);
    }

    private static String written(ObjectNode event) {
        byte[] json = Chunk.JSON.writeValueAsBytes(event);
        return "data: " + new String(json, WholeEvents.BYTES) + "\n\n";
    }
}
