// SPDX-License-Identifier: Apache-2.0
package dev.tandem.gateway.config;

import dev.tandem.core.disagg.Leg;
import dev.tandem.core.failure.Failure;
import dev.tandem.core.fleet.Fleet;
import dev.tandem.core.lifecycle.RequestListener;

/** Tells the fleet how legs ended, so that a worker that fails requests is taken out. Thread-safe. */
record FleetFeedback(Fleet fleet) implements RequestListener {
    @Override
    public void onLegCompleted(LegKind kind, Leg leg, long nanos) {
        fleet.onCompleted(leg.worker());
    }

    @Override
    public void onLegFailed(LegKind kind, Leg leg, Failure failure) {
        if (failure.blamesWorker()) {
            fleet.onFailed(leg.worker(), failure);
        }
    }
}
