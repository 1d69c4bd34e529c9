// SPDX-License-Identifier: Apache-2.0
package dev.tandem.simulator.generate;

import dev.tandem.simulator.engine.Finish;
import dev.tandem.simulator.text.ContentHash;
import dev.tandem.simulator.wire.Json;
import dev.tandem.simulator.wire.Served;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ObjectNode;

/**
 * Writes answers of {@code /v1/messages} as vLLM 0.32 does (recorded on 2026-11-21). A forced tool call is sent as one
 * delta. Confined to one request.
 */
final class MessagesWriter implements AnswerWriter {
    private final GenerateRequest request;
    private final Served served;
    private final List<Piece> sent = new ArrayList<>();

    MessagesWriter(GenerateRequest request, Served served) {
        this.request = request;
        this.served = served;
    }

    @Override
    public JsonNode whole(List<Piece> pieces) {
        Piece last = pieces.getLast();
        ToolCallText call = call(last);
        String text = Piece.text(pieces);
        ObjectNode body =
                Json.object().put("id", request.id()).put("type", "message").put("role", "assistant");
        if (call == null) {
            body.putArray("content").addObject().put("type", "text").put("text", text);
        } else {
            ObjectNode block = toolUse(call);
            block.set("input", Json.MAPPER.readTree(call.arguments(text)));
            body.putArray("content").add(block);
        }
        body.put("model", served.name()).put("stop_reason", stopReason(last));
        if (last.stop() != null) {
            body.put("stop_sequence", last.stop());
        }
        body.set("usage", usage(pieces));
        return body;
    }

    @Override
    public List<byte[]> events(Piece piece) {
        List<byte[]> events = new ArrayList<>(4);
        boolean forced = isForced();
        if (sent.isEmpty()) {
            events.add(Sse.named("message_start", start()));
            if (!forced) {
                ObjectNode block = Json.object().put("type", "text").put("text", "");
                events.add(Sse.named("content_block_start", block("content_block_start", "content_block", block)));
            }
        }
        sent.add(piece);
        if (!forced && !piece.text().isEmpty()) {
            ObjectNode delta = Json.object().put("type", "text_delta").put("text", piece.text());
            events.add(Sse.named("content_block_delta", block("content_block_delta", "delta", delta)));
        }
        if (piece.finish() != null) {
            end(events, piece);
        }
        return events;
    }

    private void end(List<byte[]> events, Piece last) {
        if (isForced()) {
            forcedBlock(events, call(last));
        }
        events.add(Sse.named(
                "content_block_stop",
                Json.object().put("type", "content_block_stop").put("index", 0)));
        ObjectNode delta = Json.object().put("type", "message_delta");
        delta.putObject("delta").put("stop_reason", stopReason(last)).put("stop_sequence", last.stop());
        delta.set("usage", usage(sent));
        events.add(Sse.named("message_delta", delta));
        events.add(Sse.named("message_stop", Json.object().put("type", "message_stop")));
    }

    private void forcedBlock(List<byte[]> events, @Nullable ToolCallText call) {
        String text = Piece.text(sent);
        ObjectNode block = call == null ? Json.object().put("type", "text").put("text", "") : toolUse(call);
        if (call != null) {
            block.putObject("input");
        }
        events.add(Sse.named("content_block_start", block("content_block_start", "content_block", block)));
        ObjectNode delta = call == null
                ? Json.object().put("type", "text_delta").put("text", text)
                : Json.object().put("type", "input_json_delta").put("partial_json", call.arguments(text));
        events.add(Sse.named("content_block_delta", block("content_block_delta", "delta", delta)));
    }

    private ObjectNode start() {
        ObjectNode start = Json.object().put("type", "message_start");
        ObjectNode message = start.putObject("message")
                .put("id", request.id())
                .put("type", "message")
                .put("role", "assistant");
        message.putArray("content");
        message.put("model", served.name()).putNull("stop_reason").putNull("stop_sequence");
        message.putObject("usage").put("input_tokens", request.promptTokens()).put("output_tokens", 0);
        return start;
    }

    private static ObjectNode block(String type, String name, ObjectNode value) {
        ObjectNode block = Json.object().put("type", type);
        block.set(name, value);
        return block.put("index", 0);
    }

    private boolean isForced() {
        return request.forced() != null && request.forced().tool() != null;
    }

    /** Returns the complete tool call; null for free text and for a call that was cut off. */
    private @Nullable ToolCallText call(Piece last) {
        ForcedAnswer forced = request.forced();
        return forced == null || forced.tool() == null || last.finish() != Finish.STOP
                ? null
                : new ToolCallText(forced);
    }

    private ObjectNode toolUse(ToolCallText call) {
        return Json.object()
                .put("type", "tool_use")
                .put("id", "toolu_%016x".formatted(ContentHash.of(request.id())))
                .put("name", call.forced().tool());
    }

    private String stopReason(Piece last) {
        if (call(last) != null) {
            return "tool_use";
        }
        if (last.stop() != null) {
            return "stop_sequence";
        }
        return last.finish() == Finish.LENGTH ? "max_tokens" : "end_turn";
    }

    private ObjectNode usage(List<Piece> pieces) {
        return Json.object()
                .put("input_tokens", request.promptTokens())
                .put("output_tokens", pieces.size())
                .put("cache_creation_input_tokens", 0)
                .put("cache_read_input_tokens", Piece.admitted(pieces).shownTokens());
    }
}
