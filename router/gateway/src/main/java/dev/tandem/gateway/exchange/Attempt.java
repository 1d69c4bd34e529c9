// SPDX-License-Identifier: Apache-2.0
package dev.tandem.gateway.exchange;

import dev.tandem.core.disagg.Exchange;
import dev.tandem.core.disagg.KvConnector.AfterPrefillFailure;
import dev.tandem.core.fleet.Lease;
import dev.tandem.core.lifecycle.RequestRecord;
import org.jspecify.annotations.Nullable;

/**
 * One attempt of a request: its legs, the leases held for them, and what it has seen. Confined to one request.
 *
 * <p>The prefill lease ends when the hand-over is done, the decode lease when the last byte has left, the client has
 * left, or the attempt has failed.
 */
public final class Attempt implements AutoCloseable {
    private final String exchangeId;
    private final Exchange exchange;
    private final AfterPrefillFailure afterPrefillFailure;
    private final @Nullable Lease prefillLease;
    private final Lease decodeLease;
    private long prefillNanos = RequestRecord.UNKNOWN;

    /**
     * Makes an attempt and takes over its leases.
     *
     * @param exchangeId id of the attempt, sent to both workers
     * @param exchange the legs in their order
     * @param afterPrefillFailure what is safe after a failed prefill leg
     * @param prefillLease lease on the prefill worker, or null when there is no prefill leg
     * @param decodeLease lease on the worker whose answer goes to the client
     */
    public Attempt(
            String exchangeId,
            Exchange exchange,
            AfterPrefillFailure afterPrefillFailure,
            @Nullable Lease prefillLease,
            Lease decodeLease) {
        this.exchangeId = exchangeId;
        this.exchange = exchange;
        this.afterPrefillFailure = afterPrefillFailure;
        this.prefillLease = prefillLease;
        this.decodeLease = decodeLease;
    }

    /** Returns the id of the attempt. */
    public String exchangeId() {
        return exchangeId;
    }

    /** Returns the legs in their order. */
    public Exchange exchange() {
        return exchange;
    }

    AfterPrefillFailure afterPrefillFailure() {
        return afterPrefillFailure;
    }

    /** Returns the duration of the prefill leg in nanoseconds, or {@link RequestRecord#UNKNOWN}. */
    public long prefillNanos() {
        return prefillNanos;
    }

    /** The prefill worker has done its part, well or not. */
    void handedOver(long nanos) {
        prefillNanos = nanos;
        closePrefill();
    }

    /** The first byte of the answer has come: the prompt is computed. */
    public void onFirstByte() {
        decodeLease.onFirstToken();
    }

    /** Gives both leases back; idempotent. */
    @Override
    public void close() {
        closePrefill();
        decodeLease.close();
    }

    private void closePrefill() {
        if (prefillLease != null) {
            prefillLease.close();
        }
    }
}
