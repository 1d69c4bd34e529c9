// SPDX-License-Identifier: Apache-2.0
package dev.tandem.simulator.llama;

import java.math.BigDecimal;
import java.math.MathContext;

/** The counters behind {@code /metrics}. Confined to the server's thread. */
final class LlamaMetrics {
    private static final int DIGITS = 6;

    private long promptTokens;
    private long cachedTokens;
    private long promptNanos;
    private long predictedTokens;
    /** Generated tokens without the first of each answer, which belongs to the prompt. */
    private long predictedSteps;

    private long predictedNanos;
    private long evaluations;
    private long busySlots;
    private long largestSlot;
    /** What the totals were at the latest {@link #text}; the averages cover what came since. */
    private Averages before = new Averages(0, 0, 0, 0);

    private record Averages(long promptTokens, long promptNanos, long predictedSteps, long predictedNanos) {}

    /** Counts an evaluation of so many busy slots. */
    void evaluated(int busy) {
        evaluations++;
        busySlots += busy;
    }

    /** Notes how many tokens a slot holds. */
    void held(int tokens) {
        largestSlot = Math.max(largestSlot, tokens);
    }

    /** Counts a prompt; answers that share it count once. */
    void promptDone(SlotTask.Timings timings) {
        promptTokens += timings.evaluated();
        cachedTokens += timings.cached();
        promptNanos += timings.promptNanos();
    }

    /** Counts a finished answer. */
    void predicted(SlotTask.Timings timings) {
        predictedTokens += timings.predicted();
        predictedSteps += Math.max(0, timings.predicted() - 1);
        predictedNanos += timings.predictedNanos();
    }

    /** Returns the Prometheus text; throughputs cover the time since the latest call. */
    String text(int processing, int deferred) {
        StringBuilder out = new StringBuilder();
        counter(out, "prompt_tokens_total", "Number of prompt tokens processed, excluding cached tokens", promptTokens);
        counter(out, "prompt_tokens_cached_total", "Number of prompt tokens reused from the cache", cachedTokens);
        counter(out, "prompt_seconds_total", "Total time spent processing prompts", seconds(promptNanos));
        counter(out, "tokens_predicted_total", "Number of generation tokens processed", predictedTokens);
        counter(out, "tokens_predicted_seconds_total", "Total time spent generating tokens", seconds(predictedNanos));
        counter(
                out,
                "n_decode_total",
                "Total number of llama_decode() calls, excluding speculative decoding and multimodal decoding",
                evaluations);
        counter(out, "n_tokens_max", "Largest observed sequence length (prompt + generation)", largestSlot);
        counter(out, "spec_decode_num_draft_tokens_total", "Speculative: Total draft tokens generated", 0);
        counter(
                out,
                "spec_decode_num_accepted_tokens_total",
                "Speculative: Total draft tokens accepted by the target model",
                0);
        counter(out, "spec_decode_num_drafts_total", "Speculative: Total speculative decoding verification steps", 0);
        gauge(
                out,
                "prompt_tokens_seconds",
                "Average prompt throughput in tokens/s",
                rate(promptTokens - before.promptTokens, promptNanos - before.promptNanos));
        gauge(
                out,
                "predicted_tokens_seconds",
                "Average generation throughput in tokens/s",
                rate(predictedSteps - before.predictedSteps, predictedNanos - before.predictedNanos));
        gauge(out, "requests_processing", "Number of requests processing", processing);
        gauge(out, "requests_deferred", "Number of requests deferred", deferred);
        gauge(
                out,
                "n_busy_slots_per_decode",
                "Average number of busy slots per llama_decode() call",
                (double) busySlots / Math.max(1, evaluations));
        before = new Averages(promptTokens, promptNanos, predictedSteps, predictedNanos);
        return out.toString();
    }

    private static double seconds(long nanos) {
        return nanos / 1e9;
    }

    private static double rate(long tokens, long nanos) {
        return nanos == 0 ? 0 : tokens / seconds(nanos);
    }

    private static void counter(StringBuilder out, String name, String help, long value) {
        family(out, name, "counter", help, Long.toString(value));
    }

    private static void counter(StringBuilder out, String name, String help, double value) {
        family(out, name, "counter", help, number(value));
    }

    private static void gauge(StringBuilder out, String name, String help, double value) {
        family(out, name, "gauge", help, number(value));
    }

    private static void family(StringBuilder out, String name, String type, String help, String value) {
        out.append("# HELP llamacpp:").append(name).append(' ').append(help).append('\n');
        out.append("# TYPE llamacpp:").append(name).append(' ').append(type).append('\n');
        out.append("llamacpp:").append(name).append(' ').append(value).append('\n');
    }

    /** Writes a number with the six digits of a C++ stream. */
    private static String number(double value) {
        BigDecimal rounded = new BigDecimal(value).round(new MathContext(DIGITS));
        return rounded.signum() == 0 ? "0" : rounded.stripTrailingZeros().toPlainString();
    }
}
