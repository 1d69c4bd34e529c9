// SPDX-License-Identifier: Apache-2.0
package dev.tandem.gateway.exchange;

import dev.tandem.core.disagg.Exchange;
import dev.tandem.core.disagg.Handover;
import dev.tandem.core.disagg.HandoverProof;
import dev.tandem.core.disagg.KvConnector;
import dev.tandem.core.disagg.KvConnector.WhenAbandoned;
import dev.tandem.core.failure.FailureException;
import dev.tandem.core.fleet.EngineFacts;
import dev.tandem.core.fleet.Lease;
import dev.tandem.core.fleet.Worker;
import dev.tandem.core.lifecycle.RequestListener;
import dev.tandem.core.lifecycle.RequestListener.HandoverResult;
import dev.tandem.core.lifecycle.RequestRecord;
import dev.tandem.gateway.answer.EngineAnswer;
import dev.tandem.gateway.answer.UsageReport;
import dev.tandem.gateway.handover.Awaited;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.BooleanSupplier;
import org.jspecify.annotations.Nullable;
import reactor.core.publisher.Mono;
import reactor.core.publisher.Sinks;

/**
 * One attempt of a request: its legs, the leases held for them, and what it has seen. Confined to one request;
 * {@link #close} may come from any thread.
 *
 * <p>The prefill lease ends when the hand-over is done, the decode lease when the last byte has left, the client has
 * left, or the attempt has failed. A KV cache that is handed over ends in exactly one way, and that is counted.
 */
public final class Attempt implements AutoCloseable {
    private final String exchangeId;
    private final Exchange exchange;
    private final KvConnector connector;
    private final @Nullable Lease prefillLease;
    private final Lease decodeLease;
    private final RequestListener listener;
    private final AtomicReference<Kv> kv = new AtomicReference<>(Kv.NONE);
    private final AtomicBoolean counted = new AtomicBoolean();
    private final Sinks.Empty<Void> closed = Sinks.empty();
    private final OfPrefill ofPrefill = new OfPrefill();
    private final Culprits culprits = new Culprits();
    private volatile @Nullable BooleanSupplier drain;
    private volatile @Nullable Awaited awaited;
    private volatile @Nullable EngineAnswer answer;
    private volatile boolean over;
    private long prefillNanos = RequestRecord.UNKNOWN;

    /** Where the KV cache is. */
    private enum Kv {
        /** None is being handed over. */
        NONE,
        /** The prefill worker computes it for the decode leg, and may keep it when its leg is cancelled just then. */
        COMPUTING,
        /** An engine holds it for the decode leg, which has not been sent. */
        READY,
        /** The decode leg has been sent: from now on the engines look after it. */
        CLAIMED
    }

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

    /**
     * Returns an answer as the client may see it: without the id by which only engines know the attempt, which names
     * their addresses, with the cached tokens that prefill has found, since decode counts what was handed over, and
     * with the log-probabilities of the prompt, which decode has not computed.
     */
    public EngineAnswer shown(EngineAnswer answer) {
        return answer.shownWith(ofPrefill.changes(exchange, exchangeId));
    }

    KvConnector connector() {
        return connector;
    }

    /** Returns who hands over to whom; empty when one worker serves alone. */
    Optional<Seats> seats() {
        return Optional.ofNullable(prefillLease).map(lease -> new Seats(lease.seat(), decodeLease.seat()));
    }

    /** Whether one of its workers is on probation with another request. */
    public boolean surplus() {
        return decodeLease.surplus() || (prefillLease != null && prefillLease.surplus());
    }

    /** Returns the duration of the prefill leg in nanoseconds, or {@link RequestRecord#UNKNOWN}. */
    public long prefillNanos() {
        return prefillNanos;
    }

    /** Returns the workers that have failed it. */
    public Culprits culprits() {
        return culprits;
    }

    /** Returns what the prefill worker has told for the answer. */
    OfPrefill ofPrefill() {
        return ofPrefill;
    }

    /** Completes when the attempt has ended. */
    Mono<Void> closed() {
        return closed.asMono();
    }

    /** What engines are to tell is not waited for any longer than the attempt lasts. */
    void listensTo(Awaited notices) {
        awaited = notices;
        if (over) {
            notices.close();
        }
    }

    /** The worker that answered has failed in the midst of its answer. */
    public void brokeOff(FailureException failure) {
        culprits.note(decodeLease.seat().worker(), failure);
    }

    /** Another worker is to go on with the answer, and none of what this one was handed over is used any more. */
    public void givenUpOn() {
        culprits.blame(decodeLease.seat().worker());
    }

    /** Returns what is known of the engine that answers. */
    public EngineFacts answering() {
        return decodeLease.seat().facts();
    }

    /** Returns what is known of the engine that computes the prompt. */
    EngineFacts computing() {
        return prefillLease == null ? EngineFacts.UNKNOWN : prefillLease.seat().facts();
    }

    /** The prefill leg is being sent. */
    void prefilling() {
        kv.compareAndSet(Kv.NONE, Kv.COMPUTING);
    }

    /** The prefill worker finds fault with the request, and has computed nothing. */
    void prefillRejected() {
        if (kv.getAndSet(Kv.NONE) == Kv.CLAIMED) {
            handoverEnded(HandoverResult.ABANDONED);
        }
    }

    /** The prefill worker has computed the prompt; what it has to hand over, it still holds. */
    void prefilled(long nanos) {
        kv.compareAndSet(Kv.COMPUTING, Kv.NONE);
        prefillNanos = nanos;
        if (prefillLease != null) {
            prefillLease.onFirstToken();
        }
        if (!held()) {
            closePrefill();
        }
    }

    private boolean held() {
        return switch (exchange) {
            case Exchange.Sequential(var prefill, var handover, var decode) ->
                !(handover instanceof Handover.ByContent);
            case Exchange.Continued(var prefill, var handover, var decode) -> !(handover instanceof Handover.ByContent);
            case Exchange.Single alone -> false;
            case Exchange.Parallel together -> false;
            case Exchange.CalledBack together -> false;
        };
    }

    /**
     * An engine holds the KV cache for the decode leg.
     *
     * @param takeOver tries to make the decode worker take it and let it go, should nobody want the answer any more
     */
    void offered(BooleanSupplier takeOver) {
        drain = takeOver;
        kv.set(Kv.READY);
        if (over) {
            closeKv();
        }
    }

    /** Both engines have begun to hand over between themselves. */
    void begun() {
        kv.set(Kv.CLAIMED);
    }

    /** The decode leg is being sent. */
    void claimed() {
        kv.compareAndSet(Kv.READY, Kv.CLAIMED);
    }

    /** The decode leg has failed: its worker may know of no KV cache, and nothing says that it has taken it. */
    void unclaimed() {
        kv.compareAndSet(Kv.CLAIMED, Kv.READY);
    }

    /** Whether the decode leg depends on a KV cache that the prefill worker holds. */
    boolean dependsOnOffer() {
        return kv.get() != Kv.NONE;
    }

    /** The KV cache is where decode finds it; what must be taken from there is not taken yet. */
    void handedOver() {
        closePrefill();
        if (kv.get() == Kv.NONE) {
            handoverEnded(HandoverResult.TAKEN);
        }
    }

    /** The prefill worker has answered without naming one. */
    void notOffered() {
        ofPrefill.forgetFound();
        handoverEnded(HandoverResult.NOT_OFFERED);
    }

    /** It did not get to the decode worker. */
    void handoverFailed() {
        ofPrefill.forgetFound();
        handoverEnded(HandoverResult.FAILED);
    }

    /** The decode worker could not read what it was offered. */
    void offerNotRead() {
        if (kv.getAndSet(Kv.NONE) != Kv.NONE) {
            handoverFailed();
            stranded();
        }
    }

    /**
     * The prefill worker has failed: there is nothing to hand over.
     *
     * @param silently whether it may have computed the prompt all the same, and hold its KV cache; side by side the
     *     decode worker, whose leg is cancelled, looks after that
     */
    void prefillFailed(boolean silently) {
        if (kv.getAndSet(Kv.NONE) != Kv.NONE) {
            handoverFailed();
        }
        if (silently && !(exchange instanceof Exchange.Parallel || exchange instanceof Exchange.CalledBack)) {
            stranded();
        }
        closePrefill();
    }

    /** The decode worker has begun to answer. */
    void answered(EngineAnswer got) {
        if (kv.getAndSet(Kv.NONE) != Kv.NONE) {
            handoverEnded(HandoverResult.TAKEN);
        }
        holds(got);
    }

    /** An answer is there; it is given up with the attempt if nobody reads it, as when the other leg fails just now. */
    void holds(EngineAnswer got) {
        answer = got;
        if (over) {
            got.abandon();
        }
    }

    /**
     * The decode worker has answered to the end and said what it used. Where prefill has told decode its own count, as
     * NIXL does, or is silent, that proves nothing.
     */
    public void said(UsageReport decode) {
        if (ofPrefill.hasFound() && connector.countsHandedOver()) {
            proved(decode.promptTokens(), decode.cachedTokens());
        }
    }

    /** It is known how many tokens of the prompt decode has found. */
    public void proved(int promptTokens, int foundTokens) {
        if (prefillLease != null) {
            Worker prefill = prefillLease.seat().worker();
            Worker decode = decodeLease.seat().worker();
            HandoverProof.of(connector, promptTokens, foundTokens)
                    .ifPresent(proof -> listener.onProved(connector.name(), prefill, decode, proof));
        }
    }

    /** The first byte of the answer has come: the prompt is computed. */
    public void onFirstByte() {
        decodeLease.onFirstToken();
    }

    /** All of the answer has come: its worker has room for the next request before the client can send it. */
    public void onSaid() {
        decodeLease.onLastToken();
    }

    /** Gives both leases and an answer that nobody reads back; idempotent. */
    @Override
    public void close() {
        over = true;
        closeKv();
        closed.tryEmitEmpty();
        Awaited notices = awaited;
        if (notices != null) {
            notices.close();
        }
        EngineAnswer unread = answer;
        if (unread != null) {
            unread.abandon();
        }
        closePrefill();
        decodeLease.close();
    }

    /** An engine that is told to stop may have come too far, or not far enough to know what it should let go of. */
    private void closeKv() {
        switch (kv.getAndSet(Kv.NONE)) {
            case READY -> abandon();
            case CLAIMED -> {
                handoverEnded(HandoverResult.ABANDONED);
                stranded();
            }
            case COMPUTING -> stranded();
            case NONE -> {}
        }
    }

    private void abandon() {
        BooleanSupplier takeOver = drain;
        boolean drainable = connector.whenAbandoned() == WhenAbandoned.DRAIN_DECODE
                && culprits.blamed().isEmpty();
        if (drainable && takeOver != null && takeOver.getAsBoolean()) {
            handoverEnded(HandoverResult.DRAINED);
        } else {
            handoverEnded(HandoverResult.ABANDONED);
            stranded();
        }
    }

    /** An engine holds, or may hold, a KV cache that nobody will fetch. */
    void stranded() {
        if (prefillLease != null && connector.whenAbandoned() != WhenAbandoned.NOTHING_STAYS) {
            listener.onStranded(
                    connector.name(),
                    prefillLease.seat().worker(),
                    decodeLease.seat().worker(),
                    connector.heldFor(prefillLease.seat().facts()));
        }
    }

    /** What comes first counts: a KV cache that came too late may still be taken. */
    private void handoverEnded(HandoverResult result) {
        if (!(exchange instanceof Exchange.Parallel)) {
            closePrefill();
        }
        if (counted.compareAndSet(false, true)) {
            listener.onHandover(connector.name(), exchange, result);
        }
    }

    private void closePrefill() {
        if (prefillLease != null) {
            prefillLease.close();
        }
    }
}
