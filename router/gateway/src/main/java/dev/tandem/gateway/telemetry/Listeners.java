// SPDX-License-Identifier: Apache-2.0
package dev.tandem.gateway.telemetry;

import dev.tandem.core.disagg.Exchange;
import dev.tandem.core.disagg.HandoverProof;
import dev.tandem.core.disagg.Leg;
import dev.tandem.core.failure.Failure;
import dev.tandem.core.fleet.Worker;
import dev.tandem.core.lifecycle.RequestListener;
import dev.tandem.core.lifecycle.RequestRecord;
import java.time.Duration;
import java.util.List;

/** Several listeners as one, told in their order. Immutable; allocates nothing. */
public final class Listeners implements RequestListener {
    private final RequestListener[] all;

    /** Copies the list. */
    public Listeners(List<? extends RequestListener> listeners) {
        this.all = listeners.toArray(RequestListener[]::new);
    }

    @Override
    public void onAccepted() {
        for (RequestListener listener : all) {
            listener.onAccepted();
        }
    }

    @Override
    public void onHeldBack() {
        for (RequestListener listener : all) {
            listener.onHeldBack();
        }
    }

    @Override
    public void onLegAnswered(Leg leg) {
        for (RequestListener listener : all) {
            listener.onLegAnswered(leg);
        }
    }

    @Override
    public void onLegCompleted(LegKind kind, Leg leg, long nanos) {
        for (RequestListener listener : all) {
            listener.onLegCompleted(kind, leg, nanos);
        }
    }

    @Override
    public void onLegFailed(LegKind kind, Leg leg, Failure failure) {
        for (RequestListener listener : all) {
            listener.onLegFailed(kind, leg, failure);
        }
    }

    @Override
    public void onLegRefused(Leg leg, Duration retryAfter) {
        for (RequestListener listener : all) {
            listener.onLegRefused(leg, retryAfter);
        }
    }

    @Override
    public void onHandover(String connector, Exchange exchange, HandoverResult result) {
        for (RequestListener listener : all) {
            listener.onHandover(connector, exchange, result);
        }
    }

    @Override
    public void onStranded(String connector, Worker prefill, Worker decode, Duration heldFor) {
        for (RequestListener listener : all) {
            listener.onStranded(connector, prefill, decode, heldFor);
        }
    }

    @Override
    public void onRetryDenied() {
        for (RequestListener listener : all) {
            listener.onRetryDenied();
        }
    }

    @Override
    public void onResume(ResumeResult result) {
        for (RequestListener listener : all) {
            listener.onResume(result);
        }
    }

    @Override
    public void onTurn(TurnResult result) {
        for (RequestListener listener : all) {
            listener.onTurn(result);
        }
    }

    @Override
    public void onProved(String connector, Worker prefill, Worker decode, HandoverProof proof) {
        for (RequestListener listener : all) {
            listener.onProved(connector, prefill, decode, proof);
        }
    }

    @Override
    public void onGap(long gapNanos) {
        for (RequestListener listener : all) {
            listener.onGap(gapNanos);
        }
    }

    @Override
    public void onSettled(RequestRecord record) {
        for (RequestListener listener : all) {
            listener.onSettled(record);
        }
    }
}
