// SPDX-License-Identifier: Apache-2.0
package dev.tandem.simulator.generate;

import dev.tandem.simulator.text.ContentHash;
import dev.tandem.simulator.text.Tokenizer;
import dev.tandem.simulator.wire.Json;
import java.nio.charset.StandardCharsets;
import java.util.List;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.ObjectNode;

/** Made-up but deterministic log probabilities in vLLM's shapes; the chosen token is always the most likely one. */
final class Logprobs {
    private Logprobs() {}

    /** Returns the completions shape for the tokens of pieces; offsets count characters from {@code offset}. */
    static ObjectNode completions(List<Piece> pieces, int alternatives, int offset) {
        ObjectNode logprobs = Json.object();
        ArrayNode offsets = logprobs.putArray("text_offset");
        ArrayNode chosen = logprobs.putArray("token_logprobs");
        ArrayNode tokens = logprobs.putArray("tokens");
        ArrayNode top = logprobs.putArray("top_logprobs");
        int at = offset;
        for (Piece piece : pieces) {
            String text = text(piece.token());
            offsets.add(at);
            at += text.length();
            chosen.add(value(piece.token(), 0));
            tokens.add(text);
            ObjectNode ranked = top.addObject().put(text, value(piece.token(), 0));
            for (int rank = 1; rank < alternatives; rank++) {
                ranked.put(text(other(piece.token(), rank)), value(piece.token(), rank));
            }
        }
        return logprobs;
    }

    /** Returns the chat shape for the tokens of pieces. */
    static ObjectNode chat(List<Piece> pieces, int alternatives) {
        ObjectNode logprobs = Json.object();
        ArrayNode content = logprobs.putArray("content");
        for (Piece piece : pieces) {
            ObjectNode entry = content.add(chatToken(piece.token(), 0))
                    .get(content.size() - 1)
                    .asObject();
            ArrayNode top = entry.putArray("top_logprobs");
            for (int rank = 0; rank < alternatives; rank++) {
                top.add(chatToken(piece.token(), rank));
            }
        }
        return logprobs;
    }

    /** Returns the list of prompt logprobs: null for the first token, else the token and the alternatives by id. */
    static @Nullable ArrayNode prompt(int[] prompt, int alternatives) {
        if (alternatives < 0) {
            return null;
        }
        ArrayNode list = Json.array().addNull();
        for (int i = 1; i < prompt.length; i++) {
            ObjectNode entry = list.addObject();
            promptToken(entry, prompt[i], value(prompt[i], 1), 2);
            for (int rank = 1; rank <= alternatives; rank++) {
                int token = other(prompt[i], rank);
                promptToken(entry, token, value(prompt[i], rank - 1), rank);
            }
        }
        return list;
    }

    private static void promptToken(ObjectNode entry, int token, double logprob, int rank) {
        entry.putObject(Integer.toString(token))
                .put("logprob", logprob)
                .put("rank", rank)
                .put("decoded_token", text(token));
    }

    private static ObjectNode chatToken(int chosen, int rank) {
        int token = rank == 0 ? chosen : other(chosen, rank);
        ObjectNode entry = Json.object().put("token", text(token)).put("logprob", value(chosen, rank));
        ArrayNode bytes = entry.putArray("bytes");
        for (byte b : text(token).getBytes(StandardCharsets.UTF_8)) {
            bytes.add(b & 0xFF);
        }
        return entry;
    }

    private static int other(int token, int rank) {
        long draw = ContentHash.mix(token, rank);
        return Tokenizer.spokenWord((int) Long.remainderUnsigned(draw, Tokenizer.SPOKEN_WORDS));
    }

    private static double value(int token, int rank) {
        return -0.05 - (token % 97) / 100.0 - rank;
    }

    private static String text(int token) {
        return token == Tokenizer.END ? "" : Tokenizer.TOY.decode(new int[] {token});
    }
}
