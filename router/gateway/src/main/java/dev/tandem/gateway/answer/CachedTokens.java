// SPDX-License-Identifier: Apache-2.0
package dev.tandem.gateway.answer;

import dev.tandem.core.lifecycle.RequestRecord;
import dev.tandem.core.request.ApiKind;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.ByteBufUtil;
import io.netty.buffer.Unpooled;
import java.nio.charset.StandardCharsets;
import org.jspecify.annotations.Nullable;
import tools.jackson.core.JacksonException;
import tools.jackson.core.JsonParser;
import tools.jackson.core.JsonToken;

/**
 * The tokens of a prompt that were cached before anybody computed it. Stateless.
 *
 * <p>A decode worker counts every token that it was handed over as cached. What the client saves is what the prefill
 * worker has found. NIXL's decode workers are told, and know. Source: vLLM 0.32.0, recorded 2026-11-21.
 */
public final class CachedTokens {
    private static final ByteBuf TOLD = Unpooled.unreleasableBuffer(
            Unpooled.copiedBuffer("\"remote_prefill_cached_tokens\":", StandardCharsets.US_ASCII)
                    .asReadOnly());

    private CachedTokens() {}

    /** Returns what stands before the number in the usage of an answer, as vLLM and llama-server write it; or null. */
    public static @Nullable String counter(ApiKind api) {
        return switch (api) {
            case COMPLETIONS, CHAT -> "\"prompt_tokens_details\":{\"cached_tokens\":";
            case RESPONSES -> "\"input_tokens_details\":{\"cached_tokens\":";
            case MESSAGES -> "\"cache_read_input_tokens\":";
            case EMBEDDINGS, RERANK, SCORE, TRANSCRIPTIONS, TOKENIZE, DETOKENIZE -> null;
        };
    }

    /** Returns the number in the usage of a prefill worker that tells nobody else; as {@link #found}. */
    public static int of(UsageReport usage) {
        return usage.promptTokens() < 0 ? RequestRecord.UNKNOWN : Math.max(0, usage.cachedTokens());
    }

    /**
     * Returns the number that a prefill worker has found: 0 when its usage does not say, as older engines mean it; or
     * {@link RequestRecord#UNKNOWN} when it tells the decode worker itself, or has no usage.
     *
     * @param answer the whole answer; the caller keeps it
     */
    public static int found(ByteBuf answer) {
        return ByteBufUtil.indexOf(TOLD.duplicate(), answer) >= 0 ? RequestRecord.UNKNOWN : used(answer);
    }

    /** Returns the number that a prefill worker has found, whomever it tells; as {@link #found}. */
    public static int used(ByteBuf answer) {
        try (JsonParser parser = AnswerJson.open(answer)) {
            return AnswerJson.seek(parser, "usage") == JsonToken.START_OBJECT
                    ? of(UsageReport.read(parser))
                    : RequestRecord.UNKNOWN;
        } catch (JacksonException notJson) {
            return RequestRecord.UNKNOWN;
        }
    }
}
