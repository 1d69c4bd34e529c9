// SPDX-License-Identifier: Apache-2.0
package dev.tandem.core.routing.policy;

/**
 * How much load a policy with affinity accepts on the worker it likes best. Immutable.
 *
 * @param batchTokens prompt tokens of one engine step: the floor of the bound
 * @param factor multiple of the mean of pending prompt tokens
 */
public record LoadBound(long batchTokens, double factor) {
    /** Requests in flight that never count as too many. */
    private static final int IN_FLIGHT_FLOOR = 16;

    /** Multiple of the mean of requests in flight; wide, because a bound on requests costs hits when it is tight. */
    private static final double IN_FLIGHT_FACTOR = 2;

    /**
     * Whether a worker has room for a prompt in its pending tokens.
     *
     * <p>It has when pending and new tokens together stay within the larger of one batch and {@code factor} times the
     * mean. It also has when at most half as much is pending as the prompt is long: another worker would have to
     * compute the prompt anew, which takes longer than the wait.
     *
     * @param pending pending prompt tokens of the worker
     * @param prompt tokens of the new prompt
     * @param fair mean of the pending tokens over the eligible workers, the new prompt included, times the worker's
     *     capacity
     */
    boolean hasRoom(long pending, long prompt, double fair) {
        return pending + prompt <= Math.max((double) batchTokens, factor * fair) || 2 * pending <= prompt;
    }

    /**
     * Whether a worker has room for a request among those in flight. This is what bounds decode workers, which compute
     * no prompts.
     */
    boolean hasSeat(int inFlight, double fair) {
        return inFlight < Math.max(IN_FLIGHT_FLOOR, IN_FLIGHT_FACTOR * fair);
    }
}
