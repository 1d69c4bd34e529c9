// SPDX-License-Identifier: Apache-2.0
package dev.tandem.gateway.answer;

import dev.tandem.core.lifecycle.RequestRecord;
import tools.jackson.core.JacksonException;
import tools.jackson.core.JsonParser;
import tools.jackson.core.JsonToken;
import tools.jackson.core.ObjectReadContext;
import tools.jackson.core.json.JsonFactory;

/**
 * Tokens that an engine says it used; {@link RequestRecord#UNKNOWN} for what it does not say. Immutable.
 *
 * @param promptTokens prompt tokens
 * @param cachedTokens prompt tokens found in a cache
 * @param outputTokens generated tokens
 */
public record UsageReport(int promptTokens, int cachedTokens, int outputTokens) {
    /** Nothing is known. */
    public static final UsageReport NONE =
            new UsageReport(RequestRecord.UNKNOWN, RequestRecord.UNKNOWN, RequestRecord.UNKNOWN);

    private static final JsonFactory JSON = new JsonFactory();
    private static final String KEY = "\"usage\":";

    /** Reads the last usage object in a piece of an answer. */
    static UsageReport last(String text) {
        int at = text.lastIndexOf(KEY + "{");
        if (at < 0) {
            at = text.lastIndexOf(KEY + " {");
        }
        return at < 0 ? NONE : read(text.substring(at + KEY.length()));
    }

    private static UsageReport read(String json) {
        try (JsonParser parser = JSON.createParser(ObjectReadContext.empty(), json)) {
            return parser.nextToken() == JsonToken.START_OBJECT ? read(parser) : NONE;
        } catch (JacksonException notJson) {
            return NONE;
        }
    }

    /** Reads the object that has just begun, to its end or to where it is cut. */
    static UsageReport read(JsonParser parser) {
        UsageReport usage = NONE;
        try {
            int depth = 1;
            while (depth > 0) {
                JsonToken token = parser.nextToken();
                if (token == null) {
                    return usage;
                }
                depth += token.isStructStart() ? 1 : token.isStructEnd() ? -1 : 0;
                String name = parser.currentName();
                if (token == JsonToken.VALUE_NUMBER_INT && name != null) {
                    usage = usage.with(name, parser.getIntValue());
                }
            }
        } catch (JacksonException cut) {
            return usage;
        }
        return usage;
    }

    /** Names of OpenAI's completions and responses and of Anthropic's messages. */
    private UsageReport with(String name, int value) {
        return switch (name) {
            case "prompt_tokens", "input_tokens" -> new UsageReport(value, cachedTokens, outputTokens);
            case "cached_tokens", "cache_read_input_tokens" -> new UsageReport(promptTokens, value, outputTokens);
            case "completion_tokens", "output_tokens" -> new UsageReport(promptTokens, cachedTokens, value);
            default -> this;
        };
    }
}
