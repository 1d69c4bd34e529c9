// SPDX-License-Identifier: Apache-2.0
package dev.tandem.simulator.llama;

import dev.tandem.simulator.wire.Json;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Locale;
import java.util.OptionalInt;
import org.jspecify.annotations.Nullable;
import tools.jackson.core.JacksonException;
import tools.jackson.core.TokenStreamLocation;
import tools.jackson.core.exc.UnexpectedEndOfInputException;
import tools.jackson.databind.JsonNode;

/**
 * A JSON body read with the checks of llama-server's request schema; messages are those of nlohmann's JSON library. A
 * null field counts as absent. Confined to one request.
 */
final class LlamaBody {
    private final JsonNode root;

    private LlamaBody(JsonNode root) {
        this.root = root;
    }

    static LlamaBody parse(byte[] bytes) {
        JsonNode root;
        try {
            root = Json.MAPPER.readTree(bytes);
        } catch (JacksonException e) {
            throw notJson(bytes, e);
        }
        if (root.isMissingNode()) {
            throw notJson(bytes, null);
        }
        return new LlamaBody(root);
    }

    private static LlamaError notJson(byte[] bytes, @Nullable JacksonException e) {
        if (bytes.length == 0) {
            return parseError(
                    1,
                    1,
                    "attempting to parse an empty input; check that your input string or stream contains the expected"
                            + " JSON");
        }
        TokenStreamLocation at = e == null || e instanceof UnexpectedEndOfInputException ? null : e.getLocation();
        if (at != null) {
            String reason = "syntax error while parsing value - invalid literal";
            return parseError(at.getLineNr(), at.getColumnNr(), reason);
        }
        String text = new String(bytes, StandardCharsets.UTF_8);
        int line = (int) text.chars().filter(c -> c == '\n').count() + 1;
        return parseError(
                line,
                text.length() - text.lastIndexOf('\n'),
                "syntax error while parsing value - unexpected end of input; expected '[', '{', or a literal");
    }

    private static LlamaError parseError(int line, int column, String reason) {
        return LlamaError.invalid(
                "[json.exception.parse_error.101] parse error at line " + line + ", column " + column + ": " + reason);
    }

    /** Returns a field, or null if it is absent or null. */
    @Nullable
    JsonNode get(String name) {
        JsonNode node = root.get(name);
        return node == null || node.isNull() ? null : node;
    }

    /** Returns a field that must be there. */
    JsonNode at(String name) {
        if (!root.isObject()) {
            throw LlamaError.invalid("[json.exception.type_error.304] cannot use at() with " + typeName(root));
        }
        JsonNode node = root.get(name);
        if (node == null) {
            throw LlamaError.invalid("[json.exception.out_of_range.403] key '" + name + "' not found");
        }
        return node;
    }

    /** Returns a text that must be there. */
    String text(String name) {
        JsonNode node = at(name);
        if (!node.isString()) {
            throw wrongType("string", node);
        }
        return node.stringValue();
    }

    /** Returns a list, empty if it is absent. */
    List<JsonNode> list(String name) {
        JsonNode node = root.get(name);
        if (node == null) {
            return List.of();
        }
        if (!node.isArray()) {
            throw wrongType("array", node);
        }
        return List.copyOf(node.values());
    }

    /** Returns the first of several fields that is there, checked against limits; the others are not looked at. */
    OptionalInt number(int least, int most, String... names) {
        for (String name : names) {
            JsonNode node = get(name);
            if (node == null) {
                continue;
            }
            if (!node.isNumber() && !node.isBoolean()) {
                throw wrongType(name, "number", node);
            }
            double value = node.isBoolean() ? (node.booleanValue() ? 1 : 0) : node.doubleValue();
            long whole = (long) value;
            if (whole < least || whole > most) {
                throw LlamaError.invalid("Field '" + name + "': Value must be between " + least + " <= value <= " + most
                        + ", but got " + whole);
            }
            return OptionalInt.of((int) whole);
        }
        return OptionalInt.empty();
    }

    /** Returns a truth field. */
    boolean flag(String name, boolean otherwise) {
        JsonNode node = get(name);
        if (node != null && !node.isBoolean()) {
            throw wrongType(name, "boolean", node);
        }
        return node == null ? otherwise : node.booleanValue();
    }

    /** Returns a truth field of an object; the object's absence counts as the field's. */
    boolean flag(String object, String name) {
        JsonNode node = get(object);
        return node != null && new LlamaBody(node).flag(name, false);
    }

    /** Returns a whole number without any check: another type counts as absent. */
    int lenientNumber(String name, int otherwise) {
        JsonNode node = get(name);
        return node != null && node.isNumber() ? (int) node.doubleValue() : otherwise;
    }

    /** Returns texts that stand alone or in a list; empty ones are left out. */
    List<String> texts(String name) {
        JsonNode node = get(name);
        if (node == null) {
            return List.of();
        }
        List<JsonNode> nodes = node.isArray() ? List.copyOf(node.values()) : List.of(node);
        return nodes.stream()
                .map(entry -> entry.asString(""))
                .filter(text -> !text.isEmpty())
                .toList();
    }

    private static LlamaError wrongType(String name, String wanted, JsonNode node) {
        return LlamaError.invalid(
                "Field '" + name + "': " + wrongType(wanted, node).getMessage());
    }

    private static LlamaError wrongType(String wanted, JsonNode node) {
        return LlamaError.invalid(
                "[json.exception.type_error.302] type must be " + wanted + ", but is " + typeName(node));
    }

    private static String typeName(JsonNode node) {
        return node.getNodeType().name().toLowerCase(Locale.ROOT);
    }
}
