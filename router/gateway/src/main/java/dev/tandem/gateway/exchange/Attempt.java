// SPDX-License-Identifier: Apache-2.0
package dev.tandem.gateway.exchange;

import dev.tandem.core.disagg.Exchange;
import dev.tandem.core.disagg.Exchange.Sequential;
import dev.tandem.core.disagg.Handover;
import dev.tandem.core.disagg.KvConnector;
import dev.tandem.core.fleet.Lease;
import dev.tandem.core.fleet.Worker;
import dev.tandem.core.lifecycle.RequestListener;
import dev.tandem.core.lifecycle.RequestListener.HandoverResult;
import dev.tandem.core.lifecycle.RequestRecord;
import java.util.HashSet;
import java.util.Set;
import java.util.concurrent.atomic.AtomicBoolean;
import org.jspecify.annotations.Nullable;

/**
 * One attempt of a request: its legs, the leases held for them, and what it has seen. Confined to one request;
 * {@link #close} may come from any thread.
 *
 * <p>The prefill lease ends when the hand-over is done, the decode lease when the last byte has left, the client has
 * left, or the attempt has failed. What a prefill worker offers is taken once, or counted as abandoned.
 */
public final class Attempt implements AutoCloseable {
    private final String exchangeId;
    private final Exchange exchange;
    private final KvConnector connector;
    private final @Nullable Lease prefillLease;
    private final Lease decodeLease;
    private final RequestListener listener;
    private final AtomicBoolean offered = new AtomicBoolean();
    private final Set<String> blamed = new HashSet<>();
    private final Set<String> doubted = new HashSet<>();
    private long prefillNanos = RequestRecord.UNKNOWN;

    /**
     * Makes an attempt and takes over its leases.
     *
     * @param exchangeId id of the attempt, sent to both workers
     * @param exchange the legs in their order
     * @param connector the protocol that planned them
     * @param prefillLease lease on the prefill worker, or null when there is no prefill leg
     * @param decodeLease lease on the worker whose answer goes to the client
     * @param listener learns what became of the hand-over
     */
    public Attempt(
            String exchangeId,
            Exchange exchange,
            KvConnector connector,
            @Nullable Lease prefillLease,
            Lease decodeLease,
            RequestListener listener) {
        this.exchangeId = exchangeId;
        this.exchange = exchange;
        this.connector = connector;
        this.prefillLease = prefillLease;
        this.decodeLease = decodeLease;
        this.listener = listener;
    }

    /** Returns the id of the attempt. */
    public String exchangeId() {
        return exchangeId;
    }

    /** Returns the legs in their order. */
    public Exchange exchange() {
        return exchange;
    }

    KvConnector connector() {
        return connector;
    }

    /** Returns the duration of the prefill leg in nanoseconds, or {@link RequestRecord#UNKNOWN}. */
    public long prefillNanos() {
        return prefillNanos;
    }

    /** Returns the ids of the workers that have failed this attempt. */
    public Set<String> blamed() {
        return blamed;
    }

    /** Returns the ids of workers that may have failed it, and are better avoided as long as there are others. */
    public Set<String> doubted() {
        return doubted;
    }

    void blame(Worker worker) {
        blamed.add(worker.id());
    }

    /** The prefill worker has computed the prompt; what it has to hand over, it still holds. */
    void prefilled(long nanos) {
        prefillNanos = nanos;
        if (prefillLease != null) {
            prefillLease.onFirstToken();
        }
        if (exchange instanceof Sequential(var prefill, Handover.ByContent byContent, var decode)) {
            closePrefill();
        }
    }

    /** The prefill worker holds the KV cache for the decode worker. */
    void offered() {
        offered.set(true);
    }

    /** Whether the decode leg names a KV cache that the prefill worker holds. */
    boolean dependsOnOffer() {
        return offered.get();
    }

    /** The decode worker has the KV cache. */
    void handedOver() {
        handoverEnded(HandoverResult.TAKEN);
    }

    /** The prefill worker has answered without naming a KV cache. */
    void notOffered() {
        handoverEnded(HandoverResult.NOT_OFFERED);
    }

    /** The KV cache did not get to the decode worker. */
    void handoverFailed() {
        handoverEnded(HandoverResult.FAILED);
    }

    /** The decode worker could not read what it was offered: the prefill worker may be gone, or itself be ill. */
    void offerNotRead(Worker prefill, Worker decode) {
        if (offered.compareAndSet(true, false)) {
            handoverFailed();
        }
        blame(prefill);
        doubted.add(decode.id());
    }

    /** The prefill worker has failed: there is nothing to hand over. */
    void prefillFailed() {
        closePrefill();
    }

    /** The decode worker has begun to answer. */
    void answered() {
        if (offered.compareAndSet(true, false)) {
            handoverEnded(HandoverResult.TAKEN);
        }
    }

    /** The first byte of the answer has come: the prompt is computed. */
    public void onFirstByte() {
        decodeLease.onFirstToken();
    }

    /** Gives both leases back; idempotent. */
    @Override
    public void close() {
        if (offered.compareAndSet(true, false)) {
            handoverEnded(HandoverResult.ABANDONED);
        }
        closePrefill();
        decodeLease.close();
    }

    private void handoverEnded(HandoverResult result) {
        closePrefill();
        listener.onHandover(connector.name(), result);
    }

    private void closePrefill() {
        if (prefillLease != null) {
            prefillLease.close();
        }
    }
}
