// SPDX-License-Identifier: Apache-2.0
package dev.tandem.gateway.fleet;

import java.util.Collections;
import java.util.LinkedHashSet;
import java.util.Set;
import tools.jackson.core.JacksonException;
import tools.jackson.core.JsonParser;
import tools.jackson.core.JsonToken;
import tools.jackson.core.ObjectReadContext;
import tools.jackson.core.json.JsonFactory;

/**
 * The answer of {@code GET /v1/models}: the {@code id} of each object in {@code data}, and the {@code max_model_len}
 * that vLLM adds. Immutable.
 *
 * <p>Read token by token, without a tree; what is not known is skipped: vLLM adds {@code permission} and others,
 * llama-server a second list {@code models}. Source: vLLM 0.32 and llama-server 11669, 2026-11-21.
 */
final class ModelList {
    private static final JsonFactory JSON = new JsonFactory();
    private static final int MAX_MODELS = 1_000;
    private static final int MAX_NAME = 512;

    private final Set<String> names = new LinkedHashSet<>();
    private int contextTokens;

    private ModelList() {}

    /** Reads a list of at least one model. */
    static ModelList read(byte[] body) {
        ModelList list = new ModelList();
        try (JsonParser parser = JSON.createParser(ObjectReadContext.empty(), body)) {
            list.readList(parser);
        } catch (JacksonException e) {
            throw new ProbeFailure("models: not JSON");
        }
        if (list.names.isEmpty()) {
            throw new ProbeFailure("models: none");
        }
        return list;
    }

    /** Returns the names in the order of the list, at least one. */
    Set<String> names() {
        return Collections.unmodifiableSet(names);
    }

    /** Returns the most tokens of prompt and answer that all of its models take, or 0 when it does not say. */
    int contextTokens() {
        return contextTokens;
    }

    private void readList(JsonParser parser) {
        expect(parser.nextToken(), JsonToken.START_OBJECT);
        while (parser.nextToken() == JsonToken.PROPERTY_NAME) {
            boolean data = "data".equals(parser.currentName());
            if (parser.nextToken() == JsonToken.START_ARRAY && data) {
                readModels(parser);
            } else {
                parser.skipChildren();
            }
        }
        expect(parser.currentToken(), JsonToken.END_OBJECT);
        if (parser.nextToken() != null) {
            throw new ProbeFailure("models: not JSON");
        }
    }

    private void readModels(JsonParser parser) {
        while (parser.nextToken() != JsonToken.END_ARRAY) {
            expect(parser.currentToken(), JsonToken.START_OBJECT);
            readModel(parser);
        }
    }

    private void readModel(JsonParser parser) {
        while (parser.nextToken() == JsonToken.PROPERTY_NAME) {
            String name = parser.currentName();
            JsonToken value = parser.nextToken();
            if (value == JsonToken.VALUE_STRING && name.equals("id")) {
                add(parser.getString());
            } else if (value == JsonToken.VALUE_NUMBER_INT && name.equals("max_model_len")) {
                limit(parser.getValueAsInt(0));
            } else {
                parser.skipChildren();
            }
        }
    }

    private void limit(int tokens) {
        if (tokens > 0) {
            contextTokens = contextTokens == 0 ? tokens : Math.min(contextTokens, tokens);
        }
    }

    private void add(String name) {
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
