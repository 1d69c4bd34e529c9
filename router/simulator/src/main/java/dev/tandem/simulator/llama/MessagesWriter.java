// SPDX-License-Identifier: Apache-2.0
package dev.tandem.simulator.llama;

import dev.tandem.simulator.wire.Json;
import java.util.List;
import tools.jackson.databind.node.ObjectNode;

/** Writes answers of the messages API. Confined to one request. */
final class MessagesWriter implements LlamaWriter {
    private final String model;
    private final String id = LlamaWriter.id("chatcmpl-");
    private boolean textStarted;

    MessagesWriter(String model) {
        this.model = model;
    }

    @Override
    public ObjectNode whole(List<SlotTask.Result> results) {
        SlotTask.Result result = results.getFirst();
        ObjectNode body = Json.object().put("id", id).put("type", "message").put("role", "assistant");
        if (result.text().isEmpty()) {
            body.putArray("content");
        } else {
            body.putArray("content").addObject().put("type", "text").put("text", result.text());
        }
        body.put("model", model).put("stop_reason", reason(result)).put("stop_sequence", result.stopText());
        body.set(
                "usage",
                inputUsage(result.timings().cached(), result.timings().promptTokens())
                        .put("output_tokens", result.timings().predicted()));
        return body;
    }

    @Override
    public String piece(SlotTask.Piece piece) {
        StringBuilder events = new StringBuilder();
        if (piece.position() == 0) {
            events.append(LlamaWriter.named(start(piece)));
        }
        if (!piece.text().isEmpty()) {
            text(events, piece.text());
        }
        return events.toString();
    }

    @Override
    public String end(SlotTask.Result result) {
        StringBuilder events = new StringBuilder();
        if (!result.tail().isEmpty()) {
            text(events, result.tail());
        }
        if (textStarted) {
            events.append(LlamaWriter.named(
                    Json.object().put("type", "content_block_stop").put("index", 0)));
        }
        ObjectNode delta = Json.object().put("type", "message_delta");
        delta.putObject("delta").put("stop_reason", reason(result)).put("stop_sequence", result.stopText());
        delta.putObject("usage").put("output_tokens", result.timings().predicted());
        events.append(LlamaWriter.named(delta));
        return events.append(LlamaWriter.named(Json.object().put("type", "message_stop")))
                .toString();
    }

    @Override
    public boolean marksEnd() {
        return false;
    }

    private ObjectNode start(SlotTask.Piece piece) {
        ObjectNode start = Json.object().put("type", "message_start");
        ObjectNode message =
                start.putObject("message").put("id", id).put("type", "message").put("role", "assistant");
        message.putArray("content");
        message.put("model", model).putNull("stop_reason").putNull("stop_sequence");
        message.set(
                "usage", inputUsage(piece.cachedTokens(), piece.promptTokens()).put("output_tokens", 0));
        return start;
    }

    private void text(StringBuilder events, String text) {
        if (!textStarted) {
            textStarted = true;
            ObjectNode start = Json.object().put("type", "content_block_start").put("index", 0);
            start.putObject("content_block").put("type", "text").put("text", "");
            events.append(LlamaWriter.named(start));
        }
        ObjectNode delta = Json.object().put("type", "content_block_delta").put("index", 0);
        delta.putObject("delta").put("type", "text_delta").put("text", text);
        events.append(LlamaWriter.named(delta));
    }

    /** Anthropic counts cached tokens apart from the others. */
    private static ObjectNode inputUsage(int cached, int prompt) {
        return Json.object().put("cache_read_input_tokens", cached).put("input_tokens", prompt - cached);
    }

    private static String reason(SlotTask.Result result) {
        return result.stopped() ? "end_turn" : "max_tokens";
    }
}
