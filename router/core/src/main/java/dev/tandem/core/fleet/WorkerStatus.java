// SPDX-License-Identifier: Apache-2.0
package dev.tandem.core.fleet;

import dev.tandem.core.health.ConcurrencyLimit;
import java.util.Set;

/**
 * One worker as it is now, for people. Immutable.
 *
 * @param worker the worker
 * @param state whether it gets requests
 * @param reason why not, or "ok"; safe to show
 * @param models models that it serves, as it last said
 * @param facts what else its engine last said
 * @param inFlight requests that the gateway has on it
 * @param limit most requests that it may have, as it has refused more; {@link ConcurrencyLimit#NONE} normally
 * @param pendingTokens prompt tokens sent to it and not yet computed
 * @param starts how often it has come up
 */
public record WorkerStatus(
        Worker worker,
        State state,
        String reason,
        Set<String> models,
        EngineFacts facts,
        int inFlight,
        int limit,
        long pendingTokens,
        int starts) {
    /** Copies the set. */
    public WorkerStatus {
        models = Set.copyOf(models);
    }

    /** Whether it has all the requests that it may have. */
    public boolean full() {
        return inFlight >= limit;
    }

    /** Whether it gets another request when one of those that it has leaves. */
    public boolean makesRoom() {
        return full() && limit > 0 && state.serving();
    }

    /** Whether a worker gets requests. */
    public enum State {
        /** Not probed yet. */
        UNKNOWN,
        /** It gets requests. */
        UP,
        /** It gets one request at a time, until one has succeeded. */
        PROBATION,
        /** It passes its probes, but has failed requests: for a while it gets none. */
        EJECTED,
        /** Its last probes failed, or it has refused a connection. */
        DOWN,
        /** It finishes what it has and gets nothing new. */
        DRAINING;

        /** Whether a worker in this state passes its probes. */
        public boolean passesProbes() {
            return this != UNKNOWN && this != DOWN;
        }

        /** Whether a worker in this state gets requests. */
        public boolean serving() {
            return this == UP || this == PROBATION;
        }
    }
}
