// SPDX-License-Identifier: Apache-2.0
package dev.tandem.simulator.engine;

import java.util.stream.DoubleStream;
import java.util.stream.IntStream;

/** Distributions of an engine, with vLLM 0.32's bucket bounds as recorded on 2026-11-21. */
public enum EngineHistogram {
    /** Prompt length of finished sequences, tokens. */
    PROMPT_TOKENS(Bounds.TOKENS),
    /** Generated tokens of finished sequences. */
    GENERATION_TOKENS(Bounds.TOKENS),
    /** Tokens per step. */
    ITERATION_TOKENS(1, 8, 16, 32, 64, 128, 256, 512, 1024, 2048, 4096, 8192, 16384),
    /** Tokens of the longest sample of a finished request. */
    MAX_GENERATION_TOKENS(Bounds.TOKENS),
    /** Samples asked for by a finished request. */
    PARAMS_N(1, 2, 5, 10, 20),
    /** Token limit of finished sequences. */
    PARAMS_MAX_TOKENS(Bounds.TOKENS),
    /** Arrival to first token, seconds. */
    FIRST_TOKEN(
            0.001, 0.005, 0.01, 0.02, 0.04, 0.06, 0.08, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10, 20, 40, 80, 160, 640,
            2560),
    /** Token to token, seconds. */
    INTER_TOKEN(Bounds.OUTPUT),
    /** Mean seconds per token after the first, per finished sequence. */
    PER_OUTPUT_TOKEN(Bounds.OUTPUT),
    /** Arrival to end, seconds. */
    END_TO_END(Bounds.REQUEST),
    /** Arrival to first scheduling, seconds. */
    QUEUE_TIME(Bounds.REQUEST),
    /** First scheduling to end, seconds. */
    INFERENCE_TIME(Bounds.REQUEST),
    /** First scheduling to first token, seconds. */
    PREFILL_TIME(Bounds.REQUEST),
    /** First token to end, seconds. */
    DECODE_TIME(Bounds.REQUEST),
    /** Preemptions of finished sequences. */
    PREEMPTIONS(1, 2, 3, 4, 5, 10, 20),
    /** Prompt tokens computed for finished sequences. */
    COMPUTED_TOKENS(Bounds.TOKENS),
    /** Look-up in the shared store, seconds. */
    LOOKUP_TIME(0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10),
    /** Fetch from another engine, seconds. */
    TRANSFER_TIME(0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.2, 0.3, 0.5, 0.75, 1, 5),
    /** Time until such a fetch began, seconds. */
    POST_TIME(0.001, 0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.2, 0.3, 0.5, 0.75, 1, 5),
    /** Size of such a fetch, bytes. */
    TRANSFER_BYTES(
            2_048,
            8_192,
            32_768,
            131_072,
            524_288,
            2_097_152,
            8_388_608,
            33_554_432,
            134_217_728,
            536_870_912,
            2_147_483_648.0,
            8_589_934_592.0),
    /** Memory regions of such a fetch. */
    DESCRIPTORS(10, 20, 30, 50, 75, 100, 200, 400, 1000, 2000, 4000, 10000, 20000, 50000);

    @SuppressWarnings("ImmutableEnumChecker") // never written
    private final double[] bounds;

    EngineHistogram(double... bounds) {
        this.bounds = bounds;
    }

    /** Makes an empty distribution; token bounds end at the context length. */
    Histogram create(int maxModelLength) {
        return new Histogram(bounds.length == 0 ? Bounds.upTo(maxModelLength) : bounds);
    }

    /** Bounds that several distributions share. */
    private static final class Bounds {
        /** Stands for 1, 2, 5, 10 ... up to the context length. */
        private static final double[] TOKENS = {};

        private static final double[] OUTPUT = {
            0.01, 0.025, 0.05, 0.075, 0.1, 0.15, 0.2, 0.3, 0.4, 0.5, 0.75, 1, 2.5, 5, 7.5, 10, 20, 40, 80
        };
        private static final double[] REQUEST = {
            0.3, 0.5, 0.8, 1, 1.5, 2, 2.5, 5, 10, 15, 20, 30, 40, 50, 60, 120, 240, 480, 960, 1920, 7680
        };

        private static double[] upTo(int length) {
            return IntStream.rangeClosed(0, 9)
                    .boxed()
                    .flatMapToDouble(power -> DoubleStream.of(1, 2, 5).map(step -> step * Math.pow(10, power)))
                    .takeWhile(bound -> bound <= length)
                    .toArray();
        }
    }
}
