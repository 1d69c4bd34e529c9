// SPDX-License-Identifier: Apache-2.0
package dev.tandem.simulator.wire;

import java.util.Locale;
import java.util.Optional;
import org.jspecify.annotations.Nullable;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ObjectNode;

/**
 * A request body whose fields are read with vLLM's checks. Confined to one request.
 *
 * <p>Numbers in strings are accepted where vLLM's schema accepts them; a null field counts as absent.
 */
public final class Fields {
    private final ObjectNode body;

    private Fields(ObjectNode body) {
        this.body = body;
    }

    /** Parses a body. */
    public static Fields parse(byte[] bytes) {
        if (bytes.length == 0) {
            throw Rejection.invalid("missing", "body", "Field required", "'None'");
        }
        JsonNode tree;
        try {
            tree = Json.MAPPER.readTree(bytes);
        } catch (JacksonException e) {
            long at = e.getLocation() == null ? 0 : e.getLocation().getByteOffset();
            throw Rejection.notJson(Math.min(Math.max(at, 0), bytes.length), "Expecting value");
        }
        if (tree instanceof ObjectNode object) {
            return new Fields(object);
        }
        String message = "Input should be a valid dictionary or object to extract fields from";
        throw Rejection.invalid("model_attributes_type", "body", message, describe(tree));
    }

    /** Returns the whole body. */
    public ObjectNode body() {
        return body;
    }

    /** Returns a field, or null if it is absent or null. */
    public @Nullable JsonNode get(String name) {
        JsonNode node = body.get(name);
        return node == null || node.isNull() ? null : node;
    }

    /** Returns a field that must be there. */
    public JsonNode require(String name) {
        JsonNode node = body.get(name);
        if (node == null) {
            throw Rejection.invalid("missing", "body." + name, "Field required", describe(body));
        }
        return node;
    }

    /** Returns an integer field. */
    public Optional<Integer> integer(String name) {
        JsonNode node = get(name);
        if (node == null) {
            return Optional.empty();
        }
        if (node.isNumber()) {
            if (!node.isIntegralNumber() && node.doubleValue() != Math.rint(node.doubleValue())) {
                String message = "Input should be a valid integer, got a number with a fractional part";
                throw invalid("int_from_float", name, message, node);
            }
            return Optional.of((int) Math.clamp(node.doubleValue(), Integer.MIN_VALUE, Integer.MAX_VALUE));
        }
        if (!node.isString()) {
            throw invalid("int_type", name, "Input should be a valid integer", node);
        }
        try {
            return Optional.of(Integer.valueOf(node.stringValue().strip()));
        } catch (NumberFormatException e) {
            String message = "Input should be a valid integer, unable to parse string as an integer";
            throw invalid("int_parsing", name, message, node);
        }
    }

    /** Returns a number field. */
    public Optional<Double> number(String name) {
        JsonNode node = get(name);
        if (node == null) {
            return Optional.empty();
        }
        if (node.isNumber()) {
            return Optional.of(node.doubleValue());
        }
        if (!node.isString()) {
            throw invalid("float_type", name, "Input should be a valid number", node);
        }
        try {
            return Optional.of(Double.valueOf(node.stringValue().strip()));
        } catch (NumberFormatException e) {
            String message = "Input should be a valid number, unable to parse string as a number";
            throw invalid("float_parsing", name, message, node);
        }
    }

    /** Returns a truth field; absent means false. */
    public boolean flag(String name) {
        JsonNode node = get(name);
        if (node == null) {
            return false;
        }
        String text = node.isString() ? node.stringValue().toLowerCase(Locale.ROOT) : node.toString();
        return switch (text) {
            case "true", "1", "on", "t", "y", "yes" -> true;
            case "false", "0", "off", "f", "n", "no" -> false;
            default ->
                throw invalid("bool_parsing", name, "Input should be a valid boolean, unable to interpret input", node);
        };
    }

    /** Returns a text field, or null if it is absent. */
    public @Nullable String string(String name) {
        JsonNode node = get(name);
        if (node != null && !node.isString()) {
            throw invalid("string_type", name, "Input should be a valid string", node);
        }
        return node == null ? null : node.stringValue();
    }

    /** Returns an object field, or null if it is absent. */
    public @Nullable ObjectNode dictionary(String name) {
        JsonNode node = get(name);
        if (node != null && !node.isObject()) {
            throw invalid("dict_type", name, "Input should be a valid dictionary", node);
        }
        return (ObjectNode) node;
    }

    private static Rejection invalid(String kind, String name, String message, JsonNode input) {
        return Rejection.invalid(kind, "body." + name, message, describe(input));
    }

    /** Returns a value as vLLM quotes it in messages: containers by size, texts in single quotes. */
    private static String describe(JsonNode node) {
        if (node.isObject()) {
            return "'<dict of " + node.size() + " items>'";
        }
        if (node.isArray()) {
            return "'<list of " + node.size() + " items>'";
        }
        if (node.isBoolean()) {
            return node.booleanValue() ? "True" : "False";
        }
        return node.isString() ? "'" + node.stringValue() + "'" : node.toString();
    }
}
