// SPDX-License-Identifier: Apache-2.0
package dev.tandem.gateway.body;

import dev.tandem.core.failure.Failure;
import dev.tandem.core.failure.FailureException;
import java.util.Map;
import java.util.Set;
import tools.jackson.core.JsonParser;
import tools.jackson.core.JsonToken;

/**
 * What a JSON body may ask for. Immutable.
 *
 * @param maxDepth deepest nesting
 * @param maxValues most JSON tokens
 * @param maxChoices most answers to one prompt
 * @param maxMembers most elements of an array or fields of an object, by the name of the top-level field; of a
 *     {@code prompt}, most prompts
 * @param maxGrammarBytes most bytes of a field that says what an answer must look like; engines compile it
 */
public record BodyLimits(
        int maxDepth, long maxValues, int maxChoices, Map<String, Integer> maxMembers, int maxGrammarBytes) {
    /**
     * Schemas, regular expressions and grammars of vLLM, SGLang and llama-server. Source: their request models, read on
     * 2026-11-22.
     */
    private static final Set<String> GRAMMARS = Set.of(
            "response_format",
            "structured_outputs",
            "guided_json",
            "guided_regex",
            "guided_grammar",
            "guided_choice",
            "json_schema",
            "regex",
            "ebnf",
            "grammar");

    /** Longest text that an engine could take for a number of answers. */
    private static final int LONGEST_NUMBER = 32;

    /** Copies the map. */
    public BodyLimits {
        maxMembers = Map.copyOf(maxMembers);
    }

    /** Refuses a number of answers by throwing; engines take {@code 9.0} and {@code "9"} for numbers, too. */
    void requireChoices(String name, JsonToken value, JsonParser parser) {
        if (value.isNumeric() || value == JsonToken.VALUE_STRING) {
            String text = parser.getString();
            if (text.length() > LONGEST_NUMBER || number(text) > maxChoices) {
                throw new FailureException(Failure.INVALID_REQUEST, name + ": more than " + maxChoices);
            }
        }
    }

    /** Whether the members of a field are limited. */
    boolean counts(String name) {
        return maxMembers.containsKey(name);
    }

    /** Refuses a number of members of a field by throwing. */
    void requireMembers(String name, int members) {
        int most = maxMembers.getOrDefault(name, Integer.MAX_VALUE);
        if (members > most) {
            throw new FailureException(Failure.INVALID_REQUEST, name + ": more than " + most);
        }
    }

    /** Refuses a field that is too long by throwing. */
    void requireBytes(String name, int bytes) {
        if (bytes > maxGrammarBytes && GRAMMARS.contains(name)) {
            throw new FailureException(Failure.INVALID_REQUEST, name + ": more than " + maxGrammarBytes + " bytes");
        }
    }

    private static double number(String text) {
        try {
            return Double.parseDouble(text.replace("_", ""));
        } catch (NumberFormatException none) {
            return 0; // an engine refuses it
        }
    }
}
