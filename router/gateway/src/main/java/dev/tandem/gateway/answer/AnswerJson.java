// SPDX-License-Identifier: Apache-2.0
package dev.tandem.gateway.answer;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.ByteBufInputStream;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.util.Optional;
import org.jspecify.annotations.Nullable;
import tools.jackson.core.JacksonException;
import tools.jackson.core.JsonParser;
import tools.jackson.core.JsonToken;
import tools.jackson.core.ObjectReadContext;
import tools.jackson.core.json.JsonFactory;

/** Finds a top-level field in the JSON of an engine's answer, without a tree. Stateless. */
public final class AnswerJson {
    private static final JsonFactory JSON = new JsonFactory();

    private AnswerJson() {}

    /** Returns a parser at the start of a body; the caller keeps the body. */
    public static JsonParser open(ByteBuf body) {
        return JSON.createParser(ObjectReadContext.empty(), (InputStream) new ByteBufInputStream(body.duplicate()));
    }

    /** Returns a top-level list as it is written, if the answer has one of that name; the caller keeps the body. */
    public static Optional<String> list(ByteBuf body, String field) {
        try (JsonParser parser = open(body)) {
            if (seek(parser, field) != JsonToken.START_ARRAY) {
                return Optional.empty();
            }
            int from = (int) parser.currentTokenLocation().getByteOffset();
            parser.skipChildren();
            int to = (int) parser.currentLocation().getByteOffset();
            return Optional.of(body.toString(body.readerIndex() + from, to - from, StandardCharsets.UTF_8));
        } catch (JacksonException broken) {
            return Optional.empty();
        }
    }

    /** Moves on to the value of a field and returns its first token; null when the object lacks it or is none. */
    public static @Nullable JsonToken seek(JsonParser parser, String field) {
        if (parser.nextToken() != JsonToken.START_OBJECT) {
            return null;
        }
        while (parser.nextToken() == JsonToken.PROPERTY_NAME) {
            boolean found = parser.currentName().equals(field);
            JsonToken value = parser.nextToken();
            if (found) {
                return value;
            }
            parser.skipChildren();
        }
        return null;
    }
}
