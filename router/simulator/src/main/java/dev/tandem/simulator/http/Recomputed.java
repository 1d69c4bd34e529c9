// SPDX-License-Identifier: Apache-2.0
package dev.tandem.simulator.http;

import dev.tandem.simulator.text.Tokenizer;
import dev.tandem.simulator.wire.Json;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.List;
import reactor.core.publisher.Flux;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ObjectNode;

/**
 * Ends an answer as vllm-ascend's decode engine does when it has no room for a request any more: {@code finish_reason}
 * is {@code stop}, {@code stop_reason} {@code recomputed}, and the router has to ask again. Immutable.
 *
 * @param at Tokens or events before the end.
 */
record Recomputed(int at) {
    private static final String EVENT = "data: ";

    Answer of(Answer answer) {
        return switch (answer) {
            case Answer.Stream(Flux<byte[]> events) -> new Answer.Stream(stream(events));
            case Answer.Whole whole ->
                new Answer.Whole(whole.status(), whole.contentType(), whole(whole.body()), whole.extraHeaders());
        };
    }

    private Flux<byte[]> stream(Flux<byte[]> events) {
        return events.take(at + 1L)
                .index()
                .concatMapIterable(event -> event.getT1() < at
                        ? List.of(event.getT2())
                        : List.of(last(event.getT2()), GenerateRoute.done()));
    }

    private static byte[] last(byte[] event) {
        String text = new String(event, StandardCharsets.UTF_8);
        if (!text.startsWith(EVENT + "{")) {
            return event;
        }
        JsonNode body = Json.MAPPER.readTree(text.substring(EVENT.length()));
        if (body.at("/choices/0") instanceof ObjectNode choice) {
            if (choice.has("delta")) {
                choice.putObject("delta");
            } else {
                choice.put("text", "");
            }
            end(choice);
        }
        return Json.utf8(EVENT + Json.text(body) + "\n\n");
    }

    private byte[] whole(byte[] answer) {
        JsonNode body = Json.MAPPER.readTree(answer);
        if (!(body.at("/choices/0") instanceof ObjectNode choice)) {
            return answer;
        }
        end(choice);
        if (choice.get("message") instanceof ObjectNode message) {
            message.put("content", cut(message.path("content").asString("")));
        } else {
            choice.put("text", cut(choice.path("text").asString("")));
        }
        if (body.get("usage") instanceof ObjectNode usage) {
            usage.put("completion_tokens", at)
                    .put("total_tokens", usage.path("prompt_tokens").asInt() + at);
        }
        return Json.bytes(body);
    }

    private static void end(ObjectNode choice) {
        choice.put("finish_reason", "stop").put("stop_reason", "recomputed");
    }

    private String cut(String text) {
        int[] tokens = Tokenizer.TOY.encode(text);
        return Tokenizer.TOY.decode(Arrays.copyOf(tokens, Math.min(at, tokens.length)));
    }
}
