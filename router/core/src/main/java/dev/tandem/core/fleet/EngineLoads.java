// SPDX-License-Identifier: Apache-2.0
package dev.tandem.core.fleet;

import dev.tandem.core.health.Saturation;
import dev.tandem.core.health.SaturationSettings;
import java.util.HashSet;
import java.util.Set;

/** Which workers have enough, by what their engines say of themselves or have refused. Thread-safe. */
public final class EngineLoads {
    private final Fleet fleet;
    private final SaturationSettings settings;

    /** Whether any engine has been asked: as long as none has, none is saturated, and nobody needs to look. */
    private volatile boolean asking;

    /** Makes a view on a fleet. */
    public EngineLoads(Fleet fleet, SaturationSettings settings) {
        this.fleet = fleet;
        this.settings = settings;
    }

    /** Returns the fleet. */
    public Fleet fleet() {
        return fleet;
    }

    /** The engine of a worker is about to be asked; what it says goes to what is returned. */
    public Saturation.Question ask(Worker worker) {
        asking = true;
        return fleet.state(worker).ask();
    }

    /** Returns the ids of the workers that are saturated now. */
    public Set<String> saturated() {
        Set<String> found = Set.of();
        if (!asking) {
            return found;
        }
        for (WorkerState state : fleet.states()) {
            if (state.saturated(settings)) {
                found = found.isEmpty() ? new HashSet<>() : found;
                found.add(state.worker().id());
            }
        }
        return found;
    }

    /** Whether some worker has as many requests as its engine takes; whoever leaves it makes room. */
    public boolean full() {
        if (!fleet.everRefused()) {
            return false;
        }
        for (WorkerState state : fleet.states()) {
            if (state.full()) {
                return true;
            }
        }
        return false;
    }

    /**
     * Says whom to tell when a request has left a worker whose engine was asked, or has refused requests; called on the
     * thread that ended it.
     */
    public void whenRelieved(Runnable told) {
        fleet.whenRelieved(told);
    }
}
