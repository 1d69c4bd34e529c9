// SPDX-License-Identifier: Apache-2.0
package dev.tandem.simulator.generate;

import dev.tandem.simulator.engine.Finish;
import dev.tandem.simulator.wire.Json;
import dev.tandem.simulator.wire.Served;
import java.util.ArrayList;
import java.util.List;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.ObjectNode;

/** Writes answers of {@code /v1/completions} as vLLM 0.32 does (recorded on 2026-11-21). Confined to one request. */
final class CompletionWriter implements AnswerWriter {
    private final GenerateRequest request;
    private final Served served;
    private final StreamState state;
    private final String head;

    CompletionWriter(GenerateRequest request, Served served) {
        this.request = request;
        this.served = served;
        this.state = new StreamState(request);
        this.head = Sse.head(request.id(), "text_completion", request.created(), served.name());
    }

    @Override
    public JsonNode whole(List<Piece> pieces) {
        ObjectNode body = Json.object()
                .put("id", request.id())
                .put("object", "text_completion")
                .put("created", request.created())
                .put("model", served.name());
        ArrayNode choices = body.putArray("choices");
        for (int choice = 0; choice < request.choices(); choice++) {
            choices.add(choice(choice, Piece.of(pieces, choice)));
        }
        body.putNull("service_tier").put("system_fingerprint", served.fingerprint());
        body.set(
                "usage",
                new Usage(request.promptTokens(), pieces.size(), Piece.admitted(pieces), served.details(), false)
                        .whole());
        return body.putNull("kv_transfer_params").putNull("ec_transfer_params").putNull("metrics");
    }

    private ObjectNode choice(int index, List<Piece> pieces) {
        Piece last = pieces.getLast();
        String echo = request.promptOf(index).echo();
        int[] prompt = request.promptOf(index).tokens();
        ObjectNode choice = Json.object().put("index", index);
        choice.put("text", (echo == null ? "" : echo) + Piece.text(pieces));
        int logprobs = request.sampling().logprobs();
        choice.set("logprobs", logprobs < 0 ? null : Logprobs.completions(pieces, logprobs, 0));
        choice.put("finish_reason", last.finish() == null ? null : last.finish().wireName());
        choice.put("stop_reason", last.stop());
        choice.set("token_ids", request.returnTokenIds() ? Json.array(Piece.tokens(pieces)) : null);
        choice.set("prompt_logprobs", Logprobs.prompt(prompt, request.sampling().promptLogprobs()));
        choice.set("prompt_token_ids", request.returnTokenIds() ? Json.array(prompt) : null);
        return choice.putNull("routed_experts");
    }

    @Override
    public List<byte[]> events(Piece piece) {
        boolean first = state.isFirst(piece);
        state.add(piece);
        List<byte[]> events = new ArrayList<>(3);
        StringBuilder event = chunk(piece, first);
        if (request.streaming().continuousUsage()) {
            event.append(",\"usage\":")
                    .append(Json.text(state.usage(served, false).counts()));
        }
        if (state.ended() && !request.streaming().usage()) {
            Sse.fingerprint(event, served);
        }
        events.add(Sse.end(event));
        if (state.ended()) {
            if (request.streaming().usage()) {
                events.add(Sse.usage(head, state.usage(served, false), served));
            }
            events.add(Sse.DONE);
        }
        return events;
    }

    private StringBuilder chunk(Piece piece, boolean first) {
        int[] prompt = request.promptOf(piece.choice()).tokens();
        String echo = first ? request.promptOf(piece.choice()).echo() : null;
        StringBuilder event = new StringBuilder(head).append("{\"index\":").append(piece.choice());
        Json.quote(event.append(",\"text\":"), echo == null ? piece.text() : echo + piece.text());
        event.append(",\"logprobs\":");
        int logprobs = request.sampling().logprobs();
        event.append(
                logprobs < 0 ? "null" : Json.text(Logprobs.completions(List.of(piece), logprobs, state.offset(piece))));
        finish(event, piece);
        boolean ids = request.returnTokenIds();
        event.append(",\"prompt_token_ids\":").append(ids && first ? Json.text(Json.array(prompt)) : "null");
        event.append(",\"token_ids\":").append(ids ? "[" + piece.token() + "]" : "null");
        return event.append("}]");
    }

    private static void finish(StringBuilder event, Piece piece) {
        Finish finish = piece.finish();
        event.append(",\"finish_reason\":");
        event.append(finish == null ? "null" : "\"" + finish.wireName() + "\"").append(",\"stop_reason\":");
        if (piece.stop() == null) {
            event.append("null");
        } else {
            Json.quote(event, piece.stop());
        }
    }
}
