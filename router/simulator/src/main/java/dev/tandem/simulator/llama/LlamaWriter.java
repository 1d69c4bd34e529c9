// SPDX-License-Identifier: Apache-2.0
package dev.tandem.simulator.llama;

import dev.tandem.simulator.text.ContentHash;
import dev.tandem.simulator.text.Tokenizer;
import dev.tandem.simulator.wire.Json;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.UUID;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.ObjectNode;

/** Puts generated tokens into the form of one API. Confined to one request. */
interface LlamaWriter {
    /** Returns the body of an answer that is no stream. */
    JsonNode whole(List<SlotTask.Result> results);

    /** Returns the text of the events of a token, which make one HTTP chunk; empty for none. */
    String piece(SlotTask.Piece piece);

    /** Returns the text of the events at the end of an answer, which make one HTTP chunk. */
    String end(SlotTask.Result result);

    /** Returns true if a stream ends with {@code [DONE]}. */
    boolean marksEnd();

    /** Makes an id of 32 letters and digits behind a prefix. */
    static String id(String prefix) {
        return prefix + UUID.randomUUID().toString().replace("-", "");
    }

    /** Returns an event without a name. */
    static String event(JsonNode data) {
        return "data: " + Json.text(data) + "\n\n";
    }

    /** Returns an event that is named by the type in its data. */
    static String named(JsonNode data) {
        return "event: " + data.path("type").asString() + "\n" + event(data);
    }

    /** Returns made-up log probabilities; the chosen token is always the most likely one. */
    static ObjectNode probabilities(List<Integer> tokens, int alternatives) {
        ObjectNode probabilities = Json.object();
        ArrayNode content = probabilities.putArray("content");
        for (int token : tokens) {
            ObjectNode entry = probability(token, token, 0);
            ArrayNode top = entry.putArray("top_logprobs");
            for (int rank = 0; rank < alternatives; rank++) {
                top.add(probability(rank == 0 ? token : alternative(token, rank), token, rank));
            }
            content.add(entry);
        }
        return probabilities;
    }

    private static ObjectNode probability(int token, int chosen, int rank) {
        String text = token == Tokenizer.END ? "" : Tokenizer.TOY.decode(new int[] {token});
        ObjectNode entry = Json.object().put("id", token).put("token", text);
        ArrayNode bytes = entry.putArray("bytes");
        for (byte b : text.getBytes(StandardCharsets.UTF_8)) {
            bytes.add(b & 0xFF);
        }
        return entry.put("logprob", -0.05 - chosen % 97 / 100.0 - rank);
    }

    private static int alternative(int token, int rank) {
        long draw = ContentHash.mix(token, rank);
        return Tokenizer.spokenWord((int) Long.remainderUnsigned(draw, Tokenizer.SPOKEN_WORDS));
    }
}
