// SPDX-License-Identifier: Apache-2.0
package dev.tandem.gateway.answer;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.ByteBufUtil;
import java.util.Optional;
import tools.jackson.core.JacksonException;
import tools.jackson.core.JsonParser;
import tools.jackson.core.JsonToken;

/**
 * The log-probabilities of a prompt, which only the worker that computes it can tell, on their way into the answer of
 * another. Immutable.
 *
 * <p>vLLM names the field in every answer: in a choice of a completion, at the top level of a chat; it is null where
 * nobody has asked for it. Inside a text its quotes would be escaped. Source: vLLM 0.32.0, recorded 2026-11-21.
 */
public final class PromptLogprobs {
    private static final String FIELD = "prompt_logprobs";

    private final byte[] member;

    private PromptLogprobs(byte[] member) {
        this.member = member;
    }

    /** Returns what a whole answer tells, byte by byte; empty when it tells nothing. The caller keeps the answer. */
    public static Optional<PromptLogprobs> in(ByteBuf answer) {
        try (JsonParser parser = AnswerJson.open(answer)) {
            for (JsonToken token = parser.nextToken(); token != null; token = parser.nextToken()) {
                if (token == JsonToken.PROPERTY_NAME && parser.currentName().equals(FIELD)) {
                    int from = (int) parser.currentTokenLocation().getByteOffset();
                    if (parser.nextToken() == JsonToken.START_ARRAY) {
                        return Optional.of(new PromptLogprobs(member(parser, answer, from)));
                    }
                }
            }
            return Optional.empty();
        } catch (JacksonException broken) {
            return Optional.empty();
        }
    }

    /** Returns the field whose value has just begun, with its name. */
    private static byte[] member(JsonParser parser, ByteBuf answer, int from) {
        parser.skipChildren();
        int to = (int) parser.currentLocation().getByteOffset();
        return ByteBufUtil.getBytes(answer, answer.readerIndex() + from, to - from);
    }

    /** Returns what puts them into an answer that lacks them. */
    public Substitution inItsPlace() {
        return Substitution.ofText("\"" + FIELD + "\":null", member);
    }
}
