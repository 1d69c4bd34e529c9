// SPDX-License-Identifier: Apache-2.0
package dev.tandem.simulator.generate;

import dev.tandem.simulator.engine.Finish;
import dev.tandem.simulator.text.ContentHash;
import dev.tandem.simulator.wire.Fields;
import dev.tandem.simulator.wire.Json;
import dev.tandem.simulator.wire.Served;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.ObjectNode;

/** Writes answers of {@code /v1/responses} as vLLM 0.32 does (recorded on 2026-11-21). Confined to one request. */
final class ResponsesWriter implements AnswerWriter {
    private final GenerateRequest request;
    private final Served served;
    private final Fields fields;
    private final List<Piece> sent = new ArrayList<>();
    private int sequence;

    ResponsesWriter(GenerateRequest request, Served served, Fields fields) {
        this.request = request;
        this.served = served;
        this.fields = fields;
    }

    @Override
    public JsonNode whole(List<Piece> pieces) {
        return response(pieces, true);
    }

    @Override
    public List<byte[]> events(Piece piece) {
        List<byte[]> events = new ArrayList<>(4);
        if (sent.isEmpty()) {
            open(events);
        }
        sent.add(piece);
        if (!piece.text().isEmpty()) {
            ObjectNode delta = Json.object()
                    .put("content_index", 0)
                    .put("delta", piece.text())
                    .put("item_id", item());
            delta.putArray("logprobs");
            events.add(event("response.output_text.delta", delta.put("output_index", 0)));
        }
        if (piece.finish() != null) {
            close(events);
        }
        return events;
    }

    private void open(List<byte[]> events) {
        for (String name : List.of("response.created", "response.in_progress")) {
            events.add(event(name, wrapped("response", response(List.of(), false))));
        }
        ObjectNode added = wrapped("item", message("in_progress", null));
        events.add(event("response.output_item.added", added.put("output_index", 0)));
        ObjectNode part =
                Json.object().put("content_index", 0).put("item_id", item()).put("output_index", 0);
        part.set("part", part("", false));
        events.add(event("response.content_part.added", part));
    }

    private void close(List<byte[]> events) {
        String text = Piece.text(sent);
        ObjectNode done = Json.object().put("content_index", 0).put("item_id", item());
        done.putArray("logprobs");
        done.put("output_index", 0).put("sequence_number", sequence++).put("text", text);
        events.add(Sse.named("response.output_text.done", done.put("type", "response.output_text.done")));
        ObjectNode part =
                Json.object().put("content_index", 0).put("item_id", item()).put("output_index", 0);
        part.set("part", part(text, true));
        events.add(event("response.content_part.done", part));
        ObjectNode item = wrapped("item", message("completed", text));
        events.add(event("response.output_item.done", item.put("output_index", 0)));
        events.add(event("response.completed", wrapped("response", response(sent, true))));
    }

    private byte[] event(String name, ObjectNode data) {
        return Sse.named(name, data.put("sequence_number", sequence++).put("type", name));
    }

    private static ObjectNode wrapped(String name, ObjectNode value) {
        ObjectNode wrapper = Json.object();
        wrapper.set(name, value);
        return wrapper;
    }

    private String item() {
        return "msg_%016x".formatted(ContentHash.of(request.id()));
    }

    private ObjectNode message(String status, @Nullable String text) {
        ObjectNode message = Json.object().put("id", item());
        ArrayNode content = message.putArray("content");
        if (text != null) {
            content.add(part(text, true));
        }
        return message.put("role", "assistant")
                .put("status", status)
                .put("type", "message")
                .putNull("phase");
    }

    private static ObjectNode part(String text, boolean done) {
        ObjectNode part = Json.object();
        part.putArray("annotations");
        part.put("text", text).put("type", "output_text");
        part.set("logprobs", done ? null : Json.array());
        return part;
    }

    private ObjectNode response(List<Piece> pieces, boolean done) {
        boolean cut = done && pieces.getLast().finish() == Finish.LENGTH;
        ObjectNode body = Json.object().put("id", request.id()).put("created_at", request.created());
        body.set("incomplete_details", cut ? Json.object().put("reason", "max_output_tokens") : null);
        body.put("instructions", fields.string("instructions"));
        body.set("metadata", fields.get("metadata"));
        body.put("model", served.name()).put("object", "response");
        ArrayNode output = body.putArray("output");
        if (done) {
            output.add(message("completed", Piece.text(pieces)));
        }
        body.put("parallel_tool_calls", true);
        body.put("temperature", fields.number("temperature").orElse(1.0));
        JsonNode tools = fields.get("tools");
        body.put("tool_choice", tools == null ? "none" : "auto");
        body.set("tools", tools == null ? Json.array() : tools);
        body.put("top_p", fields.number("top_p").orElse(1.0)).put("background", false);
        body.put("max_output_tokens", request.sampling().limits().maxTokens()).putNull("max_tool_calls");
        body.putNull("previous_response_id").putNull("prompt").putNull("reasoning");
        body.put("service_tier", "auto").put("status", done ? cut ? "incomplete" : "completed" : "in_progress");
        body.putNull("text").putNull("top_logprobs").put("truncation", "disabled");
        body.set("usage", done ? usage(pieces) : null);
        body.put("user", fields.string("user"));
        body.put("presence_penalty", fields.number("presence_penalty").orElse(0.0));
        body.put("frequency_penalty", fields.number("frequency_penalty").orElse(0.0));
        return body.putNull("kv_transfer_params")
                .putNull("ec_transfer_params")
                .putNull("input_messages")
                .putNull("output_messages");
    }

    private ObjectNode usage(List<Piece> pieces) {
        int input = request.promptTokens();
        ObjectNode usage = Json.object().put("input_tokens", input);
        ObjectNode in = usage.putObject("input_tokens_details")
                .put("cached_tokens", Piece.admitted(pieces).shownTokens())
                .put("cache_write_tokens", 0);
        in.putArray("input_tokens_per_turn");
        in.putArray("cached_tokens_per_turn");
        usage.put("output_tokens", pieces.size());
        ObjectNode out = usage.putObject("output_tokens_details")
                .put("reasoning_tokens", 0)
                .put("tool_output_tokens", 0);
        out.putArray("output_tokens_per_turn");
        out.putArray("tool_output_tokens_per_turn");
        return usage.put("total_tokens", input + pieces.size());
    }
}
