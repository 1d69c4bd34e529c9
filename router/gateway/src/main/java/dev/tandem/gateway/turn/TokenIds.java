// SPDX-License-Identifier: Apache-2.0
package dev.tandem.gateway.turn;

import dev.tandem.gateway.answer.AnswerJson;
import dev.tandem.gateway.body.Sha256;
import io.netty.buffer.ByteBuf;
import java.nio.ByteBuffer;
import java.util.HexFormat;
import java.util.Optional;
import java.util.stream.IntStream;
import tools.jackson.core.JacksonException;
import tools.jackson.core.JsonParser;
import tools.jackson.core.JsonToken;

/** Ids of the tokens of a prompt, or of a prompt and its answer. Immutable. */
public final class TokenIds {
    private static final String OF_PROMPT = "prompt_token_ids";
    private static final String OF_ANSWER = "token_ids";

    private final int[] ids;

    private TokenIds(int[] ids) {
        this.ids = ids;
    }

    /** Reads a JSON list; empty when it is none of numbers only. The caller keeps the text. */
    public static Optional<TokenIds> list(ByteBuf json) {
        try (JsonParser parser = AnswerJson.open(json)) {
            return parser.nextToken() == JsonToken.START_ARRAY
                    ? Optional.of(new TokenIds(ids(parser)))
                    : Optional.empty();
        } catch (JacksonException notOfNumbers) {
            return Optional.empty();
        }
    }

    /**
     * Reads what an answer tells of its prompt and of itself, one behind the other; empty when it lacks either. The
     * caller keeps the answer.
     *
     * <p>A completion tells both in its choice, a chat those of the prompt at the top. Source: vLLM 0.32.0, recorded
     * 2026-11-21.
     */
    static Optional<TokenIds> ofAnswer(ByteBuf answer) {
        int[] prompt = {};
        int[] more = {};
        try (JsonParser parser = AnswerJson.open(answer)) {
            for (JsonToken token = parser.nextToken(); token != null; token = parser.nextToken()) {
                if (token == JsonToken.START_ARRAY && OF_PROMPT.equals(parser.currentName())) {
                    prompt = ids(parser);
                } else if (token == JsonToken.START_ARRAY && OF_ANSWER.equals(parser.currentName())) {
                    more = ids(parser);
                }
            }
        } catch (JacksonException broken) {
            return Optional.empty();
        }
        return prompt.length == 0 || more.length == 0
                ? Optional.empty()
                : Optional.of(new TokenIds(IntStream.concat(IntStream.of(prompt), IntStream.of(more))
                        .toArray()));
    }

    /** Reads the list that has just begun; what is no number is a {@link JacksonException}. */
    private static int[] ids(JsonParser parser) {
        IntStream.Builder read = IntStream.builder();
        while (parser.nextToken() != JsonToken.END_ARRAY) {
            read.add(parser.getIntValue());
        }
        return read.build().toArray();
    }

    /** Returns how many there are. */
    int count() {
        return ids.length;
    }

    /** Returns a text that only the same tokens have: the SHA-256 of the first ones. */
    String digest(int first) {
        ByteBuffer bytes = ByteBuffer.allocate(first * Integer.BYTES);
        bytes.asIntBuffer().put(ids, 0, first);
        return HexFormat.of().formatHex(Sha256.begin().digest(bytes.array()));
    }
}
