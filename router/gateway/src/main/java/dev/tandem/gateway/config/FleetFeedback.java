// SPDX-License-Identifier: Apache-2.0
package dev.tandem.gateway.config;

import dev.tandem.core.disagg.Leg;
import dev.tandem.core.failure.Failure;
import dev.tandem.core.fleet.Fleet;
import dev.tandem.core.fleet.Worker;
import dev.tandem.core.lifecycle.RequestListener;

/** Tells the fleet how legs ended, so that a worker that fails requests is taken out. Thread-safe. */
record FleetFeedback(Fleet fleet) implements RequestListener {
    @Override
    public void onLegCompleted(LegKind kind, Leg leg, long nanos) {
        fleet.onCompleted(leg.worker());
    }

    @Override
    public void onLegFailed(LegKind kind, Leg leg, Failure failure) {
        if (failure == Failure.CONNECT_FAILED && leg.worker().rank() != Worker.ONLY) {
            everyRank(leg.worker(), failure);
        } else if (failure.blamesWorker()) {
            fleet.onFailed(leg.worker(), failure);
        }
    }

    /** Where nobody listens no rank does. */
    private void everyRank(Worker unreachable, Failure failure) {
        for (Worker worker : fleet.workers()) {
            if (worker.baseUrl().equals(unreachable.baseUrl())) {
                fleet.onFailed(worker, failure);
            }
        }
    }
}
