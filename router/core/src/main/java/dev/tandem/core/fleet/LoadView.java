// SPDX-License-Identifier: Apache-2.0
package dev.tandem.core.fleet;

/**
 * Live load of a membership, read by slot. Reads are racy on purpose: a decision needs a recent value, not an exact
 * one. Thread-safe.
 */
public interface LoadView {
    /** Returns the number of requests sent to the worker and not yet finished, as the gateway counts them. */
    int inFlight(int slot);

    /** Returns the prompt tokens sent to the worker whose first output token has not been seen. */
    long pendingTokens(int slot);

    /**
     * Returns the share of its fair load that the worker may carry now, in (0, 1]: 1 normally, less during slow start.
     */
    double capacity(int slot);

    /** Whether the worker may get this attempt: healthy, not draining, not full, not excluded by the attempt. */
    boolean eligible(int slot);
}
