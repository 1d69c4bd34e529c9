// SPDX-License-Identifier: Apache-2.0
package dev.tandem.simulator.engine;

import java.util.List;
import java.util.stream.Collectors;

/**
 * Duration of one engine step:
 *
 * <pre>T = a + sum over prefill chunks (b*m + e*m*(position + m/2)) + c * decoding requests + d * their context</pre>
 *
 * with m the tokens of a chunk. Immutable.
 *
 * @param name Name used on the command line.
 * @param stepMicros a, microseconds per step.
 * @param promptTokenMicros b, microseconds per prompt token.
 * @param decodeMicros c, microseconds per decoding request.
 * @param contextNanos d, nanoseconds per token of context of a decoding request.
 * @param attentionPicos e, picoseconds per prompt token and token before it.
 * @param kvTokens KV capacity of such an engine, in tokens.
 */
public record Speed(
        String name,
        double stepMicros,
        double promptTokenMicros,
        double decodeMicros,
        double contextNanos,
        double attentionPicos,
        int kvTokens) {
    /** No time passes: as fast as the machine allows. */
    public static final Speed INSTANT = new Speed("instant", 0, 0, 0, 0, 0, 1 << 20);
    /** A small model on a small GPU as felt by a person: about 20 ms to the first token, 12 ms per token. */
    public static final Speed LIVELY = new Speed("lively", 12_000, 15, 30, 20, 0, 1 << 18);

    private static final List<Speed> PRESETS = List.of(
            LIVELY,
            INSTANT,
            // Qwen3-32B on two H200, Llama-3.1-8B on one H100: fitted to llm-d's published figures of 2026.
            new Speed("q32b", 8_500, 47.4, 50, 39, 1_500, 700_000),
            new Speed("l8b", 6_000, 35, 30, 56, 1_140, 400_000),
            // SMG's published simulation constants.
            new Speed("smg", 6_000, 125, 350, 0, 0, 524_288),
            // llm-d-inference-sim's reference latencies of 2026-08: a 3B model on one L40S, 70B on eight H100.
            new Speed("s3b", 15_000, 350, 30, 40, 0, 262_144),
            new Speed("l70b", 25_000, 500, 100, 60, 0, 600_000));

    /** Returns the preset of a name. */
    public static Speed preset(String name) {
        return PRESETS.stream()
                .filter(speed -> speed.name.equals(name))
                .findFirst()
                .orElseThrow(() -> new IllegalArgumentException("speed: " + name + " (expected: " + names() + ")"));
    }

    /** Returns the names of all presets, for messages. */
    public static String names() {
        return PRESETS.stream().map(Speed::name).collect(Collectors.joining(", "));
    }

    /** Returns the time of the fixed part of a step in nanoseconds. */
    public double stepNanos() {
        return stepMicros * 1e3;
    }

    /** Returns the time that a chunk of {@code tokens} at {@code position} adds to a step in nanoseconds. */
    public double chunkNanos(int tokens, int position) {
        return promptTokenMicros * 1e3 * tokens + attentionPicos * 1e-3 * tokens * (position + tokens / 2.0);
    }

    /** Returns the time that a decoding request with this context adds to a step in nanoseconds. */
    public double decodeNanos(int context) {
        return decodeMicros * 1e3 + contextNanos * context;
    }
}
