// SPDX-License-Identifier: Apache-2.0
package dev.tandem.gateway.exchange;

import dev.tandem.core.disagg.BodyEdits.Edit.Put;
import dev.tandem.core.disagg.Handover.Carried;
import io.netty.buffer.ByteBuf;
import java.nio.charset.StandardCharsets;
import java.util.HashSet;
import java.util.Optional;
import java.util.Set;
import tools.jackson.core.JacksonException;
import tools.jackson.core.JsonParser;
import tools.jackson.core.JsonToken;

/** Reads out of a prefill answer what the decode leg needs, as it came. Stateless. */
final class PrefillAnswer {
    private PrefillAnswer() {}

    /**
     * Returns the edit that passes the carried field on, or nothing when the answer lacks it or part of it.
     *
     * @param body the whole answer; the caller keeps it
     */
    static Optional<Put> carried(ByteBuf body, Carried wanted) {
        try (JsonParser parser = AnswerJson.open(body)) {
            return AnswerJson.seek(parser, wanted.field()) == JsonToken.START_OBJECT
                    ? complete(parser, body, wanted)
                    : Optional.empty();
        } catch (JacksonException broken) {
            return Optional.empty();
        }
    }

    /** Reads the object that has just begun; its bytes count, not its meaning. */
    private static Optional<Put> complete(JsonParser parser, ByteBuf body, Carried wanted) {
        int start = (int) parser.currentTokenLocation().getByteOffset();
        Set<String> missing = new HashSet<>(wanted.required());
        while (parser.nextToken() == JsonToken.PROPERTY_NAME) {
            String key = parser.currentName();
            if (hasValue(parser)) {
                missing.remove(key);
            }
        }
        int end = (int) parser.currentLocation().getByteOffset();
        return missing.isEmpty()
                ? Optional.of(new Put(
                        wanted.field(), body.toString(body.readerIndex() + start, end - start, StandardCharsets.UTF_8)))
                : Optional.empty();
    }

    private static boolean hasValue(JsonParser parser) {
        JsonToken value = parser.nextToken();
        if (value == JsonToken.START_ARRAY || value == JsonToken.START_OBJECT) {
            JsonToken close = value == JsonToken.START_ARRAY ? JsonToken.END_ARRAY : JsonToken.END_OBJECT;
            int depth = 1;
            boolean any = false;
            while (depth > 0) {
                JsonToken token = parser.nextToken();
                depth += token.isStructStart() ? 1 : token.isStructEnd() ? -1 : 0;
                any |= token != close || depth > 0;
            }
            return any;
        }
        return value != JsonToken.VALUE_NULL;
    }
}
