// SPDX-License-Identifier: Apache-2.0
package dev.tandem.core.fleet;

/** Load of some workers as it is when asked. Thread-safe. */
final class LiveLoad implements LoadView {
    private final WorkerState[] states;

    LiveLoad(WorkerState[] states) {
        this.states = states;
    }

    @Override
    public int inFlight(int slot) {
        return states[slot].inFlight();
    }

    @Override
    public long pendingTokens(int slot) {
        return states[slot].pendingTokens();
    }

    @Override
    public double capacity(int slot) {
        return states[slot].capacity();
    }

    @Override
    public boolean eligible(int slot) {
        return states[slot].eligible();
    }
}
