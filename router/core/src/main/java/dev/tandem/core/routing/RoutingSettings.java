// SPDX-License-Identifier: Apache-2.0
package dev.tandem.core.routing;

/**
 * How workers are chosen. Immutable.
 *
 * @param prefillPolicy policy among the workers that compute a prompt: prefill workers, and whoever runs a whole
 *     request
 * @param decodePolicy policy among the decode workers, for requests whose prompt another worker computes
 * @param minSplitTokens shortest prompt that is worth a prefill leg, in tokens, at least 0
 * @param batchTokens prompt tokens that an engine computes in one step; pending work up to this much is no load
 * @param loadBound pending prompt tokens that an affine policy accepts on a worker, as a multiple of the mean, above 1
 */
public record RoutingSettings(
        String prefillPolicy, String decodePolicy, int minSplitTokens, long batchTokens, double loadBound) {
    /** Checks the ranges; the names are checked where the policies are made. */
    public RoutingSettings {
        if (minSplitTokens < 0) {
            throw new IllegalArgumentException("minSplitTokens: " + minSplitTokens + " (expected: >= 0)");
        }
        if (batchTokens < 1) {
            throw new IllegalArgumentException("batchTokens: " + batchTokens + " (expected: >= 1)");
        }
        if (!(loadBound > 1)) {
            throw new IllegalArgumentException("loadBound: " + loadBound + " (expected: > 1)");
        }
    }

    /** Returns prefix-hash on both sides, split from 256 tokens on, batches of 2,048 tokens, a bound of 1.25. */
    public static RoutingSettings defaults() {
        return new RoutingSettings("prefix-hash", "prefix-hash", 256, 2048, 1.25);
    }
}
