// SPDX-License-Identifier: Apache-2.0
package dev.tandem.gateway.trial;

import dev.tandem.core.failure.Failure;
import dev.tandem.core.failure.FailureException;
import dev.tandem.core.lifecycle.RequestRecord;
import dev.tandem.gateway.answer.UsageReport;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.ByteBufUtil;
import org.jspecify.annotations.Nullable;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/**
 * What an engine generated for a trial. Immutable.
 *
 * @param text the text
 * @param tokens its token ids as JSON, or null when the engine has not told them
 * @param usage what the engine has said of the tokens it used
 */
record TrialText(String text, @Nullable String tokens, UsageReport usage) {
    private static final JsonMapper JSON = JsonMapper.shared();

    /** Read at once: the first use of a mapper takes a lock, and event loops must not wait for it. */
    private static final JsonNode NOTHING = JSON.readTree("{}");

    private static final int SHOWN = 40;

    /**
     * Reads the answer of {@code /v1/completions}; the caller keeps the buffer.
     *
     * @throws FailureException if it has no text
     */
    static TrialText of(ByteBuf answer) {
        JsonNode json = read(answer);
        JsonNode choice = json.path("choices").path(0);
        if (!choice.path("text").isString()) {
            throw new FailureException(Failure.ENGINE_ERROR, "the answer has no text");
        }
        JsonNode tokens = choice.path("token_ids");
        return new TrialText(
                choice.path("text").asString(), tokens.isArray() ? tokens.toString() : null, usage(json.path("usage")));
    }

    private static UsageReport usage(JsonNode usage) {
        return new UsageReport(
                usage.path("prompt_tokens").asInt(RequestRecord.UNKNOWN),
                usage.path("prompt_tokens_details").path("cached_tokens").asInt(RequestRecord.UNKNOWN),
                usage.path("completion_tokens").asInt(RequestRecord.UNKNOWN));
    }

    /** Whether both are the same as far as both tell. */
    boolean equal(TrialText other) {
        boolean tokensDiffer = tokens != null && other.tokens != null && !tokens.equals(other.tokens);
        return text.equals(other.text) && !tokensDiffer;
    }

    /** Returns the position of the first character that differs from another text. */
    int firstDifference(TrialText other) {
        int at = 0;
        while (at < Math.min(text.length(), other.text.length()) && text.charAt(at) == other.text.charAt(at)) {
            at++;
        }
        return at;
    }

    /** Returns a few characters from a position on, fit for a log line. */
    String from(int position) {
        String rest = text.substring(position, Math.min(text.length(), position + SHOWN));
        return rest.replaceAll("[^ -!#-~]", "?");
    }

    private static JsonNode read(ByteBuf answer) {
        try {
            return answer.isReadable() ? JSON.readTree(ByteBufUtil.getBytes(answer)) : NOTHING;
        } catch (JacksonException notJson) {
            throw new FailureException(Failure.ENGINE_ERROR, "the answer is not JSON");
        }
    }
}
