// SPDX-License-Identifier: Apache-2.0
package dev.tandem.simulator.llama;

import dev.tandem.simulator.wire.Json;
import java.util.List;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.ObjectNode;

/** Writes answers of the responses API. Confined to one request. */
final class ResponsesWriter implements LlamaWriter {
    private final String model;
    private final long created;
    private final String id = LlamaWriter.id("resp_");
    private final String messageId = LlamaWriter.id("msg_");
    private boolean textStarted;

    ResponsesWriter(String model, long created) {
        this.model = model;
        this.created = created;
    }

    @Override
    public ObjectNode whole(List<SlotTask.Result> results) {
        SlotTask.Result result = results.getFirst();
        ObjectNode body = Json.object()
                .put("completed_at", created)
                .put("created_at", created)
                .put("id", id)
                .put("model", model)
                .put("object", "response");
        ArrayNode output = body.putArray("output");
        if (!result.text().isEmpty()) {
            ObjectNode message = output.addObject();
            message.putArray("content").add(part(result.text()));
            message.put("id", messageId)
                    .put("role", "assistant")
                    .put("status", "completed")
                    .put("type", "message");
        }
        return body.put("status", "completed").set("usage", usage(result.timings()));
    }

    @Override
    public String piece(SlotTask.Piece piece) {
        StringBuilder events = new StringBuilder();
        if (piece.position() == 0) {
            for (String type : List.of("response.created", "response.in_progress")) {
                ObjectNode event = Json.object().put("type", type);
                event.putObject("response")
                        .put("id", id)
                        .put("object", "response")
                        .put("status", "in_progress");
                events.append(LlamaWriter.named(event));
            }
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
        ArrayNode output = Json.array();
        if (textStarted) {
            events.append(LlamaWriter.named(Json.object()
                    .put("type", "response.output_text.done")
                    .put("item_id", messageId)
                    .put("text", result.text())));
            ObjectNode partDone =
                    Json.object().put("type", "response.content_part.done").put("item_id", messageId);
            partDone.set("part", part(result.text()));
            events.append(LlamaWriter.named(partDone));
            ObjectNode item = Json.object()
                    .put("type", "message")
                    .put("status", "completed")
                    .put("id", messageId);
            item.putArray("content").add(part(result.text()));
            output.add(item.put("role", "assistant"));
            ObjectNode itemDone = Json.object().put("type", "response.output_item.done");
            itemDone.set("item", item);
            events.append(LlamaWriter.named(itemDone));
        }
        return events.append(LlamaWriter.named(completed(output, result.timings())))
                .toString();
    }

    @Override
    public boolean marksEnd() {
        return false;
    }

    private void text(StringBuilder events, String text) {
        if (!textStarted) {
            textStarted = true;
            ObjectNode added = Json.object().put("type", "response.output_item.added");
            ObjectNode item = added.putObject("item");
            item.putArray("content");
            item.put("id", messageId)
                    .put("role", "assistant")
                    .put("status", "in_progress")
                    .put("type", "message");
            events.append(LlamaWriter.named(added));
            ObjectNode part =
                    Json.object().put("type", "response.content_part.added").put("item_id", messageId);
            part.putObject("part").put("type", "output_text").put("text", "");
            events.append(LlamaWriter.named(part));
        }
        events.append(LlamaWriter.named(Json.object()
                .put("type", "response.output_text.delta")
                .put("item_id", messageId)
                .put("delta", text)));
    }

    private ObjectNode completed(ArrayNode output, SlotTask.Timings timings) {
        ObjectNode event = Json.object().put("type", "response.completed");
        ObjectNode response = event.putObject("response")
                .put("id", id)
                .put("object", "response")
                .put("created_at", created)
                .put("status", "completed")
                .put("model", model);
        response.set("output", output);
        response.set("usage", usage(timings));
        event.set("timings", timings.json());
        return event;
    }

    private static ObjectNode part(String text) {
        ObjectNode part = Json.object().put("type", "output_text");
        part.putArray("annotations");
        part.putArray("logprobs");
        return part.put("text", text);
    }

    private static ObjectNode usage(SlotTask.Timings timings) {
        ObjectNode usage = Json.object()
                .put("input_tokens", timings.promptTokens())
                .put("output_tokens", timings.predicted())
                .put("total_tokens", timings.promptTokens() + timings.predicted());
        usage.putObject("input_tokens_details").put("cached_tokens", timings.cached());
        return usage;
    }
}
