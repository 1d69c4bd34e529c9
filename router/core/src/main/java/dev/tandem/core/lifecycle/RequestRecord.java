// SPDX-License-Identifier: Apache-2.0
package dev.tandem.core.lifecycle;

import dev.tandem.core.request.ApiKind;
import org.jspecify.annotations.Nullable;

/**
 * All that is known of one request when it has ended. Immutable; holds no text of prompt or answer.
 *
 * @param id the request's id, as in {@code x-request-id}
 * @param api the API that was called
 * @param model the served model, or null when the request named none or an unknown one
 * @param streaming whether the client asked for a stream
 * @param outcome how it ended
 * @param status HTTP status that was sent, or 499 when the client left before one was
 * @param route which workers ran it
 * @param timings when things happened
 * @param usage what was counted
 */
public record RequestRecord(
        String id,
        ApiKind api,
        @Nullable String model,
        boolean streaming,
        Outcome outcome,
        int status,
        Route route,
        Timings timings,
        Usage usage) {
    /** Value of a time or a count that is not known. */
    public static final int UNKNOWN = -1;

    /**
     * The way of the last attempt.
     *
     * @param prefill id of the prefill worker, or null when there was no prefill leg
     * @param decode id of the worker that answered, or null when none was asked
     * @param policy policy that chose it, or null when none was asked
     * @param connector KV connector, or null when there was no prefill leg
     * @param attempts number of attempts, 0 when the request was refused before the first
     */
    public record Route(
            @Nullable String prefill,
            @Nullable String decode,
            @Nullable String policy,
            @Nullable String connector,
            int attempts) {}

    /**
     * Durations in nanoseconds; {@link #UNKNOWN} for what did not happen.
     *
     * @param queued from the body's last byte to admission
     * @param decision cost of the routing decision
     * @param prefill prefill leg of the last attempt, from request to the end of its answer
     * @param ttft from acceptance to the first byte of the answer's body
     * @param e2e from acceptance to the end
     */
    public record Timings(long queued, long decision, long prefill, long ttft, long e2e) {}

    /**
     * Counts; {@link #UNKNOWN} for what the engine did not say.
     *
     * @param promptTokens prompt tokens, as the engine counted them
     * @param cachedTokens prompt tokens found in a cache, as the engine counted them
     * @param outputTokens generated tokens, as the engine counted them
     * @param requestBytes bytes of the client's body
     * @param responseBytes bytes of the answer's body that were passed on
     */
    public record Usage(int promptTokens, int cachedTokens, int outputTokens, long requestBytes, long responseBytes) {}
}
