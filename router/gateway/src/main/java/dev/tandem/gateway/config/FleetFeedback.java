// SPDX-License-Identifier: Apache-2.0
package dev.tandem.gateway.config;

import dev.tandem.core.disagg.Exchange;
import dev.tandem.core.disagg.Leg;
import dev.tandem.core.failure.Failure;
import dev.tandem.core.fleet.Fleet;
import dev.tandem.core.fleet.Worker;
import dev.tandem.core.fleet.WorkerPair;
import dev.tandem.core.lifecycle.RequestListener;
import java.time.Duration;
import java.util.function.Consumer;

/**
 * Tells the fleet how legs ended, so that a worker that fails requests is taken out, and a pair whose hand-overs fail.
 * Thread-safe.
 *
 * @param fleet the fleet
 * @param doubts gets the id of a prefill worker from which a hand-over has failed
 */
record FleetFeedback(Fleet fleet, Consumer<String> doubts) implements RequestListener {
    @Override
    public void onLegAnswered(Leg leg) {
        fleet.onAnswered(leg.worker());
    }

    @Override
    public void onHandover(String connector, Exchange exchange, HandoverResult result) {
        WorkerPair pair = exchange.pair();
        if (pair == null) {
            return;
        }
        switch (result) {
            case TAKEN -> fleet.onHandover(pair, true);
            case FAILED -> {
                fleet.onHandover(pair, false);
                doubts.accept(pair.prefill());
            }
            case NOT_OFFERED, ABANDONED, DRAINED -> {
                // says nothing of the way between the two
            }
        }
    }

    @Override
    public void onLegRefused(Leg leg, Duration retryAfter) {
        fleet.onRefused(leg.worker(), retryAfter);
    }

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
