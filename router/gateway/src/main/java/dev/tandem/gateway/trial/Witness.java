// SPDX-License-Identifier: Apache-2.0
package dev.tandem.gateway.trial;

import dev.tandem.core.disagg.Exchange;
import dev.tandem.core.disagg.HandoverProof;
import dev.tandem.core.disagg.Leg;
import dev.tandem.core.failure.Failure;
import dev.tandem.core.fleet.Worker;
import dev.tandem.core.lifecycle.RequestListener;
import java.time.Duration;

/**
 * Sees whether a hand-over has worked; only what stays behind on engines, what decode found, and that workers answer,
 * is told to those who watch requests. Thread-safe.
 */
final class Witness implements RequestListener {
    private final RequestListener listener;
    private volatile boolean broken;

    Witness(RequestListener listener) {
        this.listener = listener;
    }

    /** Whether a leg or the hand-over has failed, so that an answer proves nothing. */
    boolean broken() {
        return broken;
    }

    @Override
    public void onLegAnswered(Leg leg) {
        listener.onLegAnswered(leg);
    }

    @Override
    public void onLegCompleted(LegKind kind, Leg leg, long nanos) {
        listener.onLegAnswered(leg);
    }

    @Override
    public void onLegFailed(LegKind kind, Leg leg, Failure failure) {
        broken = true;
    }

    @Override
    public void onHandover(String connector, Exchange exchange, HandoverResult result) {
        if (result != HandoverResult.TAKEN) {
            broken = true;
        }
    }

    @Override
    public void onProved(String connector, Worker prefill, Worker decode, HandoverProof proof) {
        listener.onProved(connector, prefill, decode, proof);
    }

    @Override
    public void onStranded(String connector, Worker prefill, Worker decode, Duration heldFor) {
        listener.onStranded(connector, prefill, decode, heldFor);
    }
}
