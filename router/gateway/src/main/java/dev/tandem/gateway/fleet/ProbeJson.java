// SPDX-License-Identifier: Apache-2.0
package dev.tandem.gateway.fleet;

import org.jspecify.annotations.Nullable;
import tools.jackson.core.JacksonException;
import tools.jackson.core.JsonParser;
import tools.jackson.core.JsonToken;
import tools.jackson.core.ObjectReadContext;
import tools.jackson.core.json.JsonFactory;

/** Reads single top-level fields of what engines say of themselves, without a tree. Stateless. */
final class ProbeJson {
    private static final JsonFactory JSON = new JsonFactory();

    private ProbeJson() {}

    /** Returns the text of a field; null when the body lacks it or is no JSON. */
    static @Nullable String text(byte[] body, String field) {
        try (JsonParser parser = JSON.createParser(ObjectReadContext.empty(), body)) {
            return seek(parser, field) == JsonToken.VALUE_STRING ? parser.getString() : null;
        } catch (JacksonException notJson) {
            return null;
        }
    }

    /** Returns the number in a field; -1 when the body lacks it or is no JSON. */
    static int number(byte[] body, String field) {
        try (JsonParser parser = JSON.createParser(ObjectReadContext.empty(), body)) {
            return seek(parser, field) == JsonToken.VALUE_NUMBER_INT ? Math.max(0, parser.getIntValue()) : -1;
        } catch (JacksonException notJson) {
            return -1;
        }
    }

    private static @Nullable JsonToken seek(JsonParser parser, String field) {
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
