// SPDX-License-Identifier: Apache-2.0
package dev.tandem.simulator.engine;

import java.util.function.LongFunction;
import org.jspecify.annotations.Nullable;

/**
 * One prompt to continue. Immutable apart from its listener; the arrays are not copied and must not be changed.
 *
 * @param prompt Prompt tokens, at least one.
 * @param salt Keeps cached prefixes apart: the request's {@code cache_salt}, else empty.
 * @param variant Number of the sample when one prompt is continued several times; changes the text.
 * @param limits When the sequence ends.
 * @param script Makes the tokens of a forced answer (structured output) from the content of the prompt's KV; null lets
 *     the model speak freely.
 * @param readsCache False to recompute the whole prompt, as prompt logprobs need.
 * @param handover What it has to do with another engine's KV; null for nothing.
 * @param listener Receives the tokens.
 */
@SuppressWarnings("ArrayRecordComponent") // never compared; copying long prompts would cost
public record SequenceRequest(
        int[] prompt,
        String salt,
        int variant,
        Limits limits,
        @Nullable LongFunction<int[]> script,
        boolean readsCache,
        @Nullable Handover handover,
        TokenListener listener) {}
