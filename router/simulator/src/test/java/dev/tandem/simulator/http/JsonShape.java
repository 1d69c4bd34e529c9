// SPDX-License-Identifier: Apache-2.0
package dev.tandem.simulator.http;

import java.util.LinkedHashSet;
import java.util.Set;
import java.util.TreeSet;
import tools.jackson.databind.JsonNode;

/** Renders a JSON value as its structure: field names in their order and types, equal list elements once. */
final class JsonShape {
    /** Fields whose names are data. */
    private static final Set<String> MAPS = Set.of("top_logprobs", "prompt_logprobs");

    private JsonShape() {}

    static String of(JsonNode node) {
        return of("", node);
    }

    /** Renders the value of a field. */
    static String of(String name, JsonNode node) {
        if (node.isObject()) {
            return object(name, node);
        }
        if (node.isArray()) {
            Set<String> elements = new LinkedHashSet<>();
            node.forEach(element -> elements.add(of(name, element)));
            return "[" + String.join("|", elements) + "]";
        }
        if (node.isNumber()) {
            return node.isIntegralNumber() ? "int" : "float";
        }
        return node.isString() ? "text" : node.toString();
    }

    private static String object(String name, JsonNode node) {
        if (MAPS.contains(name) && !node.has("token") && !node.has("logprob")) {
            Set<String> values = new TreeSet<>();
            node.forEach(value -> values.add(of(name, value)));
            return "map of " + values;
        }
        StringBuilder shape = new StringBuilder("{");
        node.properties()
                .forEach(field -> shape.append(field.getKey())
                        .append(':')
                        .append(of(field.getKey(), field.getValue()))
                        .append(' '));
        return shape.append('}').toString();
    }
}
