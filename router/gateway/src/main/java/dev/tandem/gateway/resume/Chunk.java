// SPDX-License-Identifier: Apache-2.0
package dev.tandem.gateway.resume;

import dev.tandem.core.request.ApiKind;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ObjectNode;

/**
 * One event of a streamed completion or chat. Confined to one request.
 *
 * <p>Source of the shapes: vLLM 0.32.0, recorded 2026-11-21.
 */
final class Chunk {
    static final JsonMapper JSON = JsonMapper.shared();

    private static final JsonNode NONE = JSON.createArrayNode();

    private final ApiKind api;
    private final ObjectNode event;

    Chunk(ApiKind api, ObjectNode event) {
        this.api = api;
        this.event = event;
    }

    /** Returns the event. */
    ObjectNode event() {
        return event;
    }

    ApiKind api() {
        return api;
    }

    /** Whether the worker reports that it has failed. */
    boolean failed() {
        return event.has("error");
    }

    /** Returns what it adds to the answer. */
    String text() {
        return api == ApiKind.CHAT
                ? choice().path("delta").path("content").asString("")
                : choice().path("text").asString("");
    }

    /** Lets it add other text, if it adds any. */
    void say(String text) {
        if (api == ApiKind.CHAT && choice().path("delta") instanceof ObjectNode delta && delta.has("content")) {
            delta.put("content", text);
        } else if (api != ApiKind.CHAT && choice() instanceof ObjectNode choice) {
            choice.put("text", text);
        }
    }

    /** Whether it adds to something else than the text of the answer: thoughts, calls of tools. */
    boolean addsMore() {
        JsonNode delta = choice().path("delta");
        return !delta.path("reasoning").asString("").isEmpty()
                || !delta.path("reasoning_content").asString("").isEmpty()
                || !delta.path("tool_calls").isEmpty();
    }

    /** Returns the ids of the tokens that it stands for. */
    JsonNode tokens() {
        return choice().path("token_ids");
    }

    /** Returns the ids of the prompt's tokens, which the first event tells; an empty list when it does not. */
    JsonNode promptTokens() {
        JsonNode ids = api == ApiKind.CHAT ? event.path("prompt_token_ids") : choice().path("prompt_token_ids");
        return ids.isArray() ? ids : NONE;
    }

    /** Whether the answer is complete with it. */
    boolean finishes() {
        return choice().path("finish_reason").isString();
    }

    /** Whether it tells the usage. */
    boolean tellsUsage() {
        return event.path("usage").isObject();
    }

    JsonNode choice() {
        return event.path("choices").path(0);
    }
}
