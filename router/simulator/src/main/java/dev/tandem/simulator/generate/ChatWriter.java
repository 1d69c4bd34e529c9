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
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.ObjectNode;

/**
 * Writes answers of {@code /v1/chat/completions} as vLLM 0.32 does (recorded on 2026-11-21). Confined to one request.
 */
final class ChatWriter implements AnswerWriter {
    private final GenerateRequest request;
    private final Served served;
    private final StreamState state;
    private final String head;
    private final @Nullable ToolCallText[] calls;

    ChatWriter(GenerateRequest request, Served served) {
        this.request = request;
        this.served = served;
        this.state = new StreamState(request);
        this.head = Sse.head(request.id(), "chat.completion.chunk", request.created(), served.name());
        this.calls = new @Nullable ToolCallText[request.choices()];
        ForcedAnswer forced = request.forced();
        for (int i = 0; forced != null && forced.tool() != null && i < calls.length; i++) {
            calls[i] = new ToolCallText(forced);
        }
    }

    @Override
    public JsonNode whole(List<Piece> pieces) {
        ObjectNode body = Json.object()
                .put("id", request.id())
                .put("object", "chat.completion")
                .put("created", request.created())
                .put("model", served.name());
        ArrayNode choices = body.putArray("choices");
        for (int choice = 0; choice < request.choices(); choice++) {
            choices.add(choice(choice, Piece.of(pieces, choice)));
        }
        int[] prompt = request.promptOf(0).tokens();
        body.putNull("service_tier").put("system_fingerprint", served.fingerprint());
        body.set(
                "usage",
                new Usage(request.promptTokens(), pieces.size(), Piece.admitted(pieces), served.details(), true)
                        .whole());
        body.set("prompt_logprobs", Logprobs.prompt(prompt, request.sampling().promptLogprobs()));
        body.set("prompt_token_ids", request.returnTokenIds() ? Json.array(prompt) : null);
        return body.putNull("prompt_text")
                .putNull("kv_transfer_params")
                .putNull("ec_transfer_params")
                .putNull("metrics");
    }

    private ObjectNode choice(int index, List<Piece> pieces) {
        Piece last = pieces.getLast();
        String text = Piece.text(pieces);
        ToolCallText call = calls[index];
        ObjectNode choice = Json.object().put("index", index);
        ObjectNode message = choice.putObject("message").put("role", "assistant");
        message.put("content", call != null && last.finish() == Finish.STOP ? "" : text);
        message.putNull("refusal").putNull("annotations").putNull("audio").putNull("function_call");
        if (call != null && last.finish() == Finish.STOP) {
            ObjectNode entry = message.putArray("tool_calls").addObject();
            entry.put("id", toolCallId(index)).put("type", "function");
            entry.putObject("function").put("name", call.forced().tool()).put("arguments", call.arguments(text));
        }
        message.putNull("reasoning");
        int logprobs = request.sampling().logprobs();
        choice.set("logprobs", logprobs < 0 ? null : Logprobs.chat(pieces, logprobs));
        choice.put("finish_reason", finishName(last.finish(), call)).put("stop_reason", last.stop());
        choice.set("token_ids", request.returnTokenIds() ? Json.array(Piece.tokens(pieces)) : null);
        return choice.putNull("routed_experts");
    }

    @Override
    public List<byte[]> events(Piece piece) {
        List<byte[]> events = new ArrayList<>(4);
        boolean first = state.isEmpty();
        state.add(piece);
        for (int choice = 0; first && choice < request.choices(); choice++) {
            events.add(role(choice));
        }
        ToolCallText call = calls[piece.choice()];
        List<String> deltas = call == null
                ? List.of(Json.quote(new StringBuilder("{\"content\":"), piece.text()) + "}")
                : call.deltas(piece, toolCallId(piece.choice()));
        for (int i = 0; i < deltas.size(); i++) {
            boolean last = i == deltas.size() - 1;
            events.add(Sse.end(chunk(piece, deltas.get(i), last ? piece.finish() : null)));
        }
        if (state.ended()) {
            if (request.streaming().usage()) {
                events.add(Sse.usage(head, state.usage(served, true), served));
            }
            events.add(Sse.DONE);
        }
        return events;
    }

    private byte[] role(int choice) {
        StringBuilder event = new StringBuilder(head).append("{\"index\":").append(choice);
        event.append(",\"delta\":{\"role\":\"assistant\",\"content\":\"\"},\"logprobs\":null,\"finish_reason\":null}]");
        usage(event);
        int[] prompt = request.promptOf(0).tokens();
        event.append(",\"prompt_token_ids\":")
                .append(request.returnTokenIds() ? Json.text(Json.array(prompt)) : "null")
                .append(",\"prompt_text\":null");
        return Sse.end(event);
    }

    private StringBuilder chunk(Piece piece, String delta, @Nullable Finish finish) {
        StringBuilder event = new StringBuilder(head).append("{\"index\":").append(piece.choice());
        event.append(",\"delta\":").append(delta).append(",\"logprobs\":");
        int logprobs = request.sampling().logprobs();
        event.append(logprobs < 0 ? "null" : Json.text(Logprobs.chat(List.of(piece), logprobs)));
        event.append(",\"finish_reason\":");
        if (finish == null) {
            event.append("null");
        } else {
            event.append('"').append(finishName(finish, calls[piece.choice()])).append("\",\"stop_reason\":");
            event.append(piece.stop() == null ? "null" : Json.quote(new StringBuilder(), piece.stop()));
        }
        event.append(",\"token_ids\":")
                .append(request.returnTokenIds() ? "[" + piece.token() + "]" : "null")
                .append("}]");
        usage(event);
        if (finish != null && state.ended() && !request.streaming().usage()) {
            Sse.fingerprint(event, served);
        }
        return event;
    }

    private void usage(StringBuilder event) {
        if (request.streaming().continuousUsage()) {
            event.append(",\"usage\":")
                    .append(Json.text(state.usage(served, true).counts()));
        }
    }

    private static String finishName(@Nullable Finish finish, @Nullable ToolCallText call) {
        if (call != null && finish == Finish.STOP && call.forced().required()) {
            return "tool_calls";
        }
        return finish == null ? "error" : finish.wireName();
    }

    private String toolCallId(int choice) {
        return "chatcmpl-tool-%016x".formatted(ContentHash.of(request.id(), Integer.toString(choice)));
    }
}
