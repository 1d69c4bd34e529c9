// SPDX-License-Identifier: Apache-2.0
package dev.tandem.gateway.answer;

import dev.tandem.core.disagg.BodyEdits.Edit.Put;
import dev.tandem.core.disagg.Handover.Carried;
import io.netty.buffer.ByteBuf;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.StringJoiner;
import tools.jackson.core.JacksonException;
import tools.jackson.core.JsonParser;
import tools.jackson.core.JsonToken;
import tools.jackson.core.TokenStreamLocation;

/** Reads out of a prefill answer what the decode leg needs, as it came. Stateless. */
public final class PrefillAnswer {
    private PrefillAnswer() {}

    /**
     * Returns the edit that passes the carried field on, or nothing when the answer lacks it or part of it.
     *
     * @param body the whole answer; the caller keeps it
     */
    public static Optional<Put> carried(ByteBuf body, Carried wanted) {
        try (JsonParser parser = AnswerJson.open(body)) {
            return AnswerJson.seek(parser, wanted.field()) == JsonToken.START_OBJECT
                    ? complete(parser, body, wanted.copied().isEmpty() ? wanted : copied(body, wanted))
                    : Optional.empty();
        } catch (JacksonException broken) {
            return Optional.empty();
        }
    }

    /**
     * Whether the engine may hold a KV cache of which an answer carries nothing: the answer is no JSON, or its object
     * is incomplete. An answer without the object says that there is none, and so does an empty list in it.
     *
     * @param body the whole answer; the caller keeps it
     */
    public static boolean mayHide(ByteBuf body, Carried wanted) {
        try (JsonParser parser = AnswerJson.open(body)) {
            boolean any = false;
            if (AnswerJson.seek(parser, wanted.field()) == JsonToken.START_OBJECT) {
                while (parser.nextToken() == JsonToken.PROPERTY_NAME) {
                    any = true;
                    if (!hasValue(parser) && parser.currentToken() == JsonToken.END_ARRAY) {
                        return false;
                    }
                }
            }
            return any;
        } catch (JacksonException broken) {
            return true;
        }
    }

    /**
     * Reads the object that has just begun; its bytes count, not its meaning. They are cut out when its end has been
     * seen: where an answer breaks off, Jackson's offsets are wrong.
     */
    private static Optional<Put> complete(JsonParser parser, ByteBuf body, Carried wanted) {
        Set<String> missing = new HashSet<>(wanted.required());
        List<Span> theirs = new ArrayList<>();
        int start = offset(parser.currentTokenLocation());
        while (parser.nextToken() == JsonToken.PROPERTY_NAME) {
            String key = parser.currentName();
            int from = offset(parser.currentTokenLocation());
            if (hasValue(parser)) {
                missing.remove(key);
            }
            parser.finishToken(); // a text is read only when it is needed, and ends where it has been read
            if (!wanted.ours().containsKey(key)) {
                theirs.add(new Span(from, offset(parser.currentLocation())));
            }
        }
        if (!missing.isEmpty()) {
            return Optional.empty();
        }
        if (wanted.ours().isEmpty()) {
            return Optional.of(new Put(wanted.field(), text(body, start, offset(parser.currentLocation()))));
        }
        StringJoiner members = new StringJoiner(",", "{", "}");
        theirs.forEach(member -> members.add(text(body, member.from(), member.to())));
        wanted.ours().forEach((key, json) -> members.add("\"" + key + "\":" + json));
        return Optional.of(new Put(wanted.field(), members.toString()));
    }

    /** Where a member lies in the bytes of an answer. */
    private record Span(int from, int to) {}

    /** Returns the same wish, with the lists that are to be copied among what the router knows. */
    private static Carried copied(ByteBuf body, Carried wanted) {
        Map<String, String> ours = new LinkedHashMap<>(wanted.ours());
        for (String field : wanted.copied()) {
            try (JsonParser parser = AnswerJson.open(body)) {
                if (AnswerJson.seek(parser, field) == JsonToken.START_ARRAY) {
                    int from = offset(parser.currentTokenLocation());
                    parser.skipChildren();
                    ours.put(field, text(body, from, offset(parser.currentLocation())));
                }
            }
        }
        return new Carried(wanted.field(), wanted.required(), ours);
    }

    private static int offset(TokenStreamLocation location) {
        return (int) location.getByteOffset();
    }

    private static String text(ByteBuf body, int from, int to) {
        return body.toString(body.readerIndex() + from, to - from, StandardCharsets.UTF_8);
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
