// SPDX-License-Identifier: Apache-2.0
package dev.tandem.gateway.body;

import dev.tandem.core.failure.Failure;
import dev.tandem.core.failure.FailureException;
import tools.jackson.core.JsonParser;
import tools.jackson.core.JsonToken;

/**
 * What a JSON body may ask for. Immutable.
 *
 * @param maxDepth deepest nesting
 * @param maxValues most JSON tokens
 * @param maxChoices most answers to one prompt
 * @param maxPrompts most prompts
 */
public record BodyLimits(int maxDepth, long maxValues, int maxChoices, int maxPrompts) {
    /** Longest text that an engine could take for a number of answers. */
    private static final int LONGEST_NUMBER = 32;

    /** Refuses a number of answers by throwing; engines take {@code 9.0} and {@code "9"} for numbers, too. */
    void requireChoices(String name, JsonToken value, JsonParser parser) {
        if (value.isNumeric() || value == JsonToken.VALUE_STRING) {
            String text = parser.getString();
            if (text.length() > LONGEST_NUMBER || number(text) > maxChoices) {
                throw new FailureException(Failure.INVALID_REQUEST, name + ": more than " + maxChoices);
            }
        }
    }

    /** Refuses a number of prompts by throwing. */
    void requirePrompts(int prompts) {
        if (prompts > maxPrompts) {
            throw new FailureException(Failure.INVALID_REQUEST, "prompt: more than " + maxPrompts);
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
