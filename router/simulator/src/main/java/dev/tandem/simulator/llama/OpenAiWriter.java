// SPDX-License-Identifier: Apache-2.0
package dev.tandem.simulator.llama;

import dev.tandem.simulator.wire.Json;
import java.util.List;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.ObjectNode;

/** Writes answers of the completions and the chat API in llama-server's order of fields. Confined to one request. */
final class OpenAiWriter implements LlamaWriter {
    private final boolean chat;
    private final LlamaRequest request;
    private final String model;
    private final long created;
    private final String id = LlamaWriter.id("chatcmpl-");

    OpenAiWriter(boolean chat, LlamaRequest request, String model, long created) {
        this.chat = chat;
        this.request = request;
        this.model = model;
        this.created = created;
    }

    @Override
    public ObjectNode whole(List<SlotTask.Result> results) {
        ObjectNode body = Json.object();
        ArrayNode choices = body.putArray("choices");
        for (SlotTask.Result result : results) {
            choices.add(chat ? wholeMessage(result) : wholeText(result));
        }
        SlotTask.Timings timings = results.getFirst().timings();
        body.put("created", created)
                .put("model", model)
                .put("system_fingerprint", ServerAnswers.BUILD)
                .put("object", chat ? "chat.completion" : "text_completion")
                .set("usage", usage(timings));
        return body.put("id", id).set("timings", timings.json());
    }

    @Override
    public String piece(SlotTask.Piece piece) {
        ObjectNode probabilities = request.probabilities() > 0
                ? LlamaWriter.probabilities(List.of(piece.token()), request.probabilities())
                : null;
        if (!chat) {
            return LlamaWriter.event(textChunk(piece.index(), piece.text(), probabilities, null));
        }
        StringBuilder events = new StringBuilder();
        if (piece.position() == 0) {
            ObjectNode role = Json.object().put("role", "assistant").putNull("content");
            events.append(LlamaWriter.event(chatChunk(choice(piece.index(), null, role))));
        }
        if (!piece.text().isEmpty()) {
            ObjectNode choice = choice(piece.index(), null, Json.object().put("content", piece.text()));
            if (probabilities != null) {
                choice.set("logprobs", probabilities);
            }
            events.append(LlamaWriter.event(chatChunk(choice)));
        }
        return events.toString();
    }

    @Override
    public String end(SlotTask.Result result) {
        if (!chat) {
            ObjectNode chunk = textChunk(result.index(), result.tail(), null, finish(result));
            chunk.remove("id");
            chunk.set("usage", usage(result.timings()));
            chunk.put("id", id).set("timings", result.timings().json());
            return LlamaWriter.event(chunk);
        }
        StringBuilder events = new StringBuilder();
        if (!result.tail().isEmpty()) {
            ObjectNode rest = Json.object().put("content", result.tail());
            events.append(LlamaWriter.event(chatChunk(choice(result.index(), null, rest))));
        }
        ObjectNode last = chatChunk(choice(result.index(), finish(result), Json.object()));
        if (request.includeUsage()) {
            events.append(LlamaWriter.event(last));
            last = chatChunk(null);
            last.set("usage", usage(result.timings()));
        }
        last.set("timings", result.timings().json());
        return events.append(LlamaWriter.event(last)).toString();
    }

    @Override
    public boolean marksEnd() {
        return true;
    }

    private ObjectNode wholeText(SlotTask.Result result) {
        ObjectNode probabilities = request.probabilities() > 0
                ? LlamaWriter.probabilities(result.tokens(), request.probabilities())
                : null;
        return choice(result.index(), result.text(), probabilities, finish(result));
    }

    private ObjectNode wholeMessage(SlotTask.Result result) {
        ObjectNode choice = Json.object().put("finish_reason", finish(result)).put("index", result.index());
        choice.putObject("message").put("role", "assistant").put("content", result.text());
        if (request.probabilities() > 0) {
            choice.set("logprobs", LlamaWriter.probabilities(result.tokens(), request.probabilities()));
        }
        return choice;
    }

    private ObjectNode textChunk(int index, String text, @Nullable ObjectNode probabilities, @Nullable String finish) {
        ObjectNode chunk = Json.object();
        chunk.putArray("choices").add(choice(index, text, probabilities, finish));
        return chunk.put("created", created)
                .put("model", model)
                .put("system_fingerprint", ServerAnswers.BUILD)
                .put("object", "text_completion")
                .put("id", id);
    }

    private static ObjectNode choice(
            int index, String text, @Nullable ObjectNode probabilities, @Nullable String finish) {
        ObjectNode choice = Json.object().put("text", text).put("index", index);
        choice.set("logprobs", probabilities == null ? Json.MAPPER.nullNode() : probabilities);
        return choice.put("finish_reason", finish);
    }

    private ObjectNode chatChunk(@Nullable ObjectNode choice) {
        ObjectNode chunk = Json.object();
        ArrayNode choices = chunk.putArray("choices");
        if (choice != null) {
            choices.add(choice);
        }
        return chunk.put("created", created)
                .put("id", id)
                .put("model", model)
                .put("system_fingerprint", ServerAnswers.BUILD)
                .put("object", "chat.completion.chunk");
    }

    private static ObjectNode choice(int index, @Nullable String finish, ObjectNode delta) {
        return Json.object().put("finish_reason", finish).put("index", index).set("delta", delta);
    }

    private static String finish(SlotTask.Result result) {
        return result.stopped() ? "stop" : "length";
    }

    private static ObjectNode usage(SlotTask.Timings timings) {
        ObjectNode usage = Json.object()
                .put("completion_tokens", timings.predicted())
                .put("prompt_tokens", timings.promptTokens())
                .put("total_tokens", timings.predicted() + timings.promptTokens());
        usage.putObject("prompt_tokens_details").put("cached_tokens", timings.cached());
        return usage;
    }
}
