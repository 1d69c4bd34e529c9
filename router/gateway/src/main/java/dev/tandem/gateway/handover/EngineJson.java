// SPDX-License-Identifier: Apache-2.0
package dev.tandem.gateway.handover;

import dev.tandem.gateway.handover.Notices.Rank;
import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.util.List;
import tools.jackson.core.JacksonException;
import tools.jackson.core.StreamReadConstraints;
import tools.jackson.core.StreamReadFeature;
import tools.jackson.core.json.JsonFactory;
import tools.jackson.databind.DeserializationFeature;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/**
 * A JSON object that an engine has sent. Immutable.
 *
 * @param text the object as it was sent
 * @param fields its fields
 */
record EngineJson(String text, JsonNode fields) {
    private static final int DEEPEST = 32;

    private static final JsonMapper JSON = JsonMapper.builder(JsonFactory.builder()
                    .streamReadConstraints(StreamReadConstraints.builder()
                            .maxNestingDepth(DEEPEST)
                            .build())
                    .build())
            .enable(StreamReadFeature.STRICT_DUPLICATE_DETECTION)
            .enable(DeserializationFeature.FAIL_ON_TRAILING_TOKENS)
            .build();

    /** Reads a body, which must be one JSON object. */
    static EngineJson read(byte[] body) throws MalformedMessageException {
        try {
            String text = StandardCharsets.UTF_8
                    .newDecoder()
                    .decode(ByteBuffer.wrap(body))
                    .toString();
            JsonNode fields = JSON.readTree(text);
            if (!fields.isObject()) {
                throw new MalformedMessageException("the body is not a JSON object");
            }
            return new EngineJson(text, fields);
        } catch (CharacterCodingException | JacksonException e) {
            throw new MalformedMessageException("the body is not valid JSON");
        }
    }

    /** Returns a text. */
    String text(String name) throws MalformedMessageException {
        JsonNode value = fields.path(name);
        if (!value.isString()) {
            throw new MalformedMessageException(name + " is not a text");
        }
        return value.asString();
    }

    /** Returns a list of texts. */
    List<String> texts(String name) throws MalformedMessageException {
        JsonNode values = fields.path(name);
        if (!values.isArray() || !values.valueStream().allMatch(JsonNode::isString)) {
            throw new MalformedMessageException(name + " is not a list of texts");
        }
        return values.valueStream().map(JsonNode::asString).toList();
    }

    /** Returns which rank has sent it; an engine that does not say has one. */
    Rank rank() throws MalformedMessageException {
        try {
            return new Rank(number("kv_rank", 0), number("world_size", 1));
        } catch (IllegalArgumentException e) {
            throw new MalformedMessageException("kv_rank and world_size do not fit");
        }
    }

    private int number(String name, int otherwise) throws MalformedMessageException {
        JsonNode value = fields.path(name);
        if (value.isMissingNode()) {
            return otherwise;
        }
        if (!value.canConvertToInt() || !value.isIntegralNumber()) {
            throw new MalformedMessageException(name + " is not a number");
        }
        return value.asInt();
    }
}
