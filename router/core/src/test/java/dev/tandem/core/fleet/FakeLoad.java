// SPDX-License-Identifier: Apache-2.0
package dev.tandem.core.fleet;

import java.util.Arrays;

/** Load that a test sets. Confined to one thread. */
public final class FakeLoad implements LoadView {
    /** Requests in flight by slot. */
    public final int[] inFlight;
    /** Pending prompt tokens by slot. */
    public final long[] pending;
    /** Capacity by slot, 1 at first. */
    public final double[] capacity;
    /** Eligibility by slot, true at first. */
    public final boolean[] eligible;

    /** Makes the load of idle, eligible workers. */
    public FakeLoad(int size) {
        inFlight = new int[size];
        pending = new long[size];
        capacity = new double[size];
        eligible = new boolean[size];
        Arrays.fill(capacity, 1);
        Arrays.fill(eligible, true);
    }

    @Override
    public int inFlight(int slot) {
        return inFlight[slot];
    }

    @Override
    public long pendingTokens(int slot) {
        return pending[slot];
    }

    @Override
    public double capacity(int slot) {
        return capacity[slot];
    }

    @Override
    public boolean eligible(int slot) {
        return eligible[slot];
    }
}
