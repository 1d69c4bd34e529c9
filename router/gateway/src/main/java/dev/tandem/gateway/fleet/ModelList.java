// SPDX-License-Identifier: Apache-2.0
package dev.tandem.gateway.fleet;

import java.util.LinkedHashSet;
import java.util.Set;
import tools.jackson.core.JacksonException;
import tools.jackson.core.JsonParser;
import tools.jackson.core.JsonToken;
import tools.jackson.core.ObjectReadContext;
import tools.jackson.core.json.JsonFactory;

/**
 * Reads the answer of {@code GET /v1/models}: the {@code id} of each object in {@code data}.
 *
 * <p>Reads token by token, without a tree, and skips what it does not know: vLLM adds {@code permission} and others,
 * llama-server a second list {@code models}. Source: vLLM 0.32 and llama-server 11669, 2026-11-21.
 */
final class ModelList {
    private static final JsonFactory JSON = new JsonFactory();
    private static final int MAX_MODELS = 1_000;
    private static final int MAX_NAME = 512;

    private ModelList() {}

    /** Returns the names in the order of the list, at least one. */
    static Set<String> read(byte[] body) {
        Set<String> names = new LinkedHashSet<>();
        try (JsonParser parser = JSON.createParser(ObjectReadContext.empty(), body)) {
            readList(parser, names);
        } catch (JacksonException e) {
            throw new ProbeFailure("models: not JSON");
        }
        if (names.isEmpty()) {
            throw new ProbeFailure("models: none");
        }
        return names;
    }

    private static void readList(JsonParser parser, Set<String> names) {
        expect(parser.nextToken(), JsonToken.START_OBJECT);
        while (parser.nextToken() == JsonToken.PROPERTY_NAME) {
            boolean data = "data".equals(parser.currentName());
            if (parser.nextToken() == JsonToken.START_ARRAY && data) {
                readModels(parser, names);
            } else {
                parser.skipChildren();
            }
        }
        expect(parser.currentToken(), JsonToken.END_OBJECT);
        if (parser.nextToken() != null) {
            throw new ProbeFailure("models: not JSON");
        }
    }

    private static void readModels(JsonParser parser, Set<String> names) {
        while (parser.nextToken() != JsonToken.END_ARRAY) {
            expect(parser.currentToken(), JsonToken.START_OBJECT);
            readModel(parser, names);
        }
    }

    private static void readModel(JsonParser parser, Set<String> names) {
        while (parser.nextToken() == JsonToken.PROPERTY_NAME) {
            boolean id = "id".equals(parser.currentName());
            if (parser.nextToken() == JsonToken.VALUE_STRING && id) {
                add(parser.getString(), names);
            } else {
                parser.skipChildren();
            }
        }
    }

    private static void add(String name, Set<String> names) {
        if (name.isEmpty() || name.length() > MAX_NAME) {
            throw new ProbeFailure("models: name of " + name.length() + " characters");
        }
        if (names.size() == MAX_MODELS) {
            throw new ProbeFailure("models: more than " + MAX_MODELS);
        }
        names.add(name);
    }

    private static void expect(JsonToken found, JsonToken expected) {
        if (found != expected) {
            throw new ProbeFailure("models: unexpected form");
        }
    }
}
