// SPDX-License-Identifier: Apache-2.0
package dev.tandem.simulator.text;

import java.util.Map;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.JsonNodeFactory;
import tools.jackson.databind.node.ObjectNode;
import tools.jackson.databind.node.StringNode;

/**
 * Makes a value that a JSON schema accepts, chosen by a content hash. Knows {@code type}, {@code enum}, {@code const},
 * {@code properties}, {@code items}, {@code minItems}, numeric and length bounds, {@code anyOf}, {@code oneOf},
 * {@code allOf} of one and local {@code $ref}; other keywords are ignored.
 */
public final class SchemaSample {
    private static final int DEEPEST = 24;
    private static final JsonNodeFactory NODES = JsonNodeFactory.instance;

    private final JsonNode root;
    private long state;

    private SchemaSample(JsonNode root, long state) {
        this.root = root;
        this.state = state;
    }

    /** Returns a value that the schema accepts; the same for the same content. */
    public static JsonNode of(JsonNode schema, long content) {
        return new SchemaSample(schema, content).value(schema, 0);
    }

    private JsonNode value(JsonNode schema, int depth) {
        if (depth > DEEPEST) {
            return NODES.nullNode();
        }
        if (schema.hasNonNull("$ref")) {
            String pointer = schema.get("$ref").asString().replaceFirst("^#", "");
            return value(root.at(pointer), depth + 1);
        }
        if (schema.has("const")) {
            return schema.get("const");
        }
        if (schema.has("enum")) {
            return pick(schema.get("enum"));
        }
        for (String union : new String[] {"anyOf", "oneOf", "allOf"}) {
            if (schema.has(union)) {
                return value(pick(schema.get(union)), depth + 1);
            }
        }
        return typed(schema, typeOf(schema), depth);
    }

    private static String typeOf(JsonNode schema) {
        JsonNode type = schema.path("type");
        if (type.isArray() && !type.isEmpty()) {
            return type.get(0).asString();
        }
        return type.isString() ? type.stringValue() : schema.has("items") ? "array" : "object";
    }

    private JsonNode typed(JsonNode schema, String type, int depth) {
        return switch (type) {
            case "string" -> StringNode.valueOf(text(schema));
            case "integer" -> NODES.numberNode(integer(schema));
            case "number" -> NODES.numberNode(integer(schema) + 0.5);
            case "boolean" -> NODES.booleanNode((draw() & 1) == 0);
            case "array" -> array(schema, depth);
            case "null" -> NODES.nullNode();
            default -> object(schema, depth);
        };
    }

    private ObjectNode object(JsonNode schema, int depth) {
        ObjectNode object = NODES.objectNode();
        for (Map.Entry<String, JsonNode> property : schema.path("properties").properties()) {
            object.set(property.getKey(), value(property.getValue(), depth + 1));
        }
        return object;
    }

    private ArrayNode array(JsonNode schema, int depth) {
        ArrayNode array = NODES.arrayNode();
        int size = Math.min(16, Math.max(1, schema.path("minItems").asInt(1)));
        for (int i = 0; i < size; i++) {
            array.add(value(schema.path("items"), depth + 1));
        }
        return array;
    }

    private String text(JsonNode schema) {
        StringBuilder text = new StringBuilder();
        int least = schema.path("minLength").asInt(1);
        do {
            int word = (int) Long.remainderUnsigned(draw(), Tokenizer.SPOKEN_WORDS);
            text.append(
                    Tokenizer.TOY.decode(new int[] {Tokenizer.spokenWord(word)}).strip());
        } while (text.length() < least);
        int most = schema.path("maxLength").asInt(Integer.MAX_VALUE);
        return text.substring(0, Math.min(text.length(), most));
    }

    private long integer(JsonNode schema) {
        long least =
                schema.path("minimum").asLong(schema.path("exclusiveMinimum").asLong(-1) + 1);
        long most =
                schema.path("maximum").asLong(schema.path("exclusiveMaximum").asLong(least + 100) - 1);
        return least + Long.remainderUnsigned(draw(), Math.max(1, most - least + 1));
    }

    private JsonNode pick(JsonNode options) {
        return options.isEmpty() ? NODES.nullNode() : options.get((int) Long.remainderUnsigned(draw(), options.size()));
    }

    private long draw() {
        state = ContentHash.mix(state, 1);
        return state;
    }
}
