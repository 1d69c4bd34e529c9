// SPDX-License-Identifier: Apache-2.0
package dev.tandem.core.lifecycle;

import dev.tandem.core.disagg.Exchange;
import dev.tandem.core.disagg.HandoverProof;
import dev.tandem.core.disagg.Leg;
import dev.tandem.core.failure.Failure;
import dev.tandem.core.fleet.Worker;
import java.time.Duration;

/** Learns what happens to requests. Called on event loops: thread-safe, fast, never blocking, never throwing. */
public interface RequestListener {
    /** A request has come in; exactly one {@code onSettled} follows. */
    default void onAccepted() {}

    /** A request waits though there is a free place, because whoever could serve it is saturated. */
    default void onHeldBack() {}

    /** The first of a leg's answer has come, and it is no failure; how the leg ends is told later. */
    default void onLegAnswered(Leg leg) {}

    /** A leg has ended well. */
    default void onLegCompleted(LegKind kind, Leg leg, long nanos) {}

    /** A leg has failed; {@code onSettled} tells later what became of the request. */
    default void onLegFailed(LegKind kind, Leg leg, Failure failure) {}

    /**
     * A worker has refused a leg because it is full; {@code onLegFailed} follows.
     *
     * @param retryAfter when to ask again; zero when it has not said
     */
    default void onLegRefused(Leg leg, Duration retryAfter) {}

    /** The hand-over of a KV cache has ended, well or not. Not called by protocols that hand over by content. */
    default void onHandover(String connector, Exchange exchange, HandoverResult result) {}

    /**
     * A KV cache stays behind on an engine, and the router can not make the engine give it back.
     *
     * @param heldFor how long the engine keeps it; zero when it has no limit
     */
    default void onStranded(String connector, Worker prefill, Worker decode, Duration heldFor) {}

    /**
     * A decode worker has said how much it found of what it was handed over. Not called where it does not say, or when
     * the hand-over has failed aloud.
     */
    default void onProved(String connector, Worker prefill, Worker decode, HandoverProof proof) {}

    /** A further piece of a streamed answer has arrived, {@code gapNanos} after the one before. */
    default void onGap(long gapNanos) {}

    /** An attempt has failed and is not followed by another, because there are too many retries already. */
    default void onRetryDenied() {}

    /** A stream has broken off behind its first byte, and something was done about it. */
    default void onResume(ResumeResult result) {}

    /** Something has become of a KV cache that a decode worker keeps for the next turn of its conversation. */
    default void onTurn(TurnResult result) {}

    /** A request has ended, well or not. Called once per {@code onAccepted}. */
    default void onSettled(RequestRecord record) {}

    /** What became of the KV cache that a prefill worker computed for a decode worker. */
    enum HandoverResult {
        /** The decode worker has it. */
        TAKEN,
        /** The prefill worker answered without naming one. */
        NOT_OFFERED,
        /** It was lost on its way. */
        FAILED,
        /** The request left before it was taken; engines that already dealt with it clear it away. */
        ABANDONED,
        /** The request left before it was taken, and the decode worker was made to take it and let it go. */
        DRAINED
    }

    /** What became of a stream that had broken off. */
    enum ResumeResult {
        /** Another worker goes on with it. */
        RESUMED,
        /** Nobody could go on with it exactly. */
        REFUSED,
        /** Nobody else was there, or who was there failed, too. */
        FAILED
    }

    /** What becomes of a KV cache that a decode worker keeps for the next turn of a conversation. */
    enum TurnResult {
        /** The decode worker has said where it lies; one of the others follows. */
        KEPT,
        /** A prefill worker was told to read it. */
        READ,
        /** The next turn began with other tokens. */
        CHANGED,
        /** No next turn came in time, or its decode worker has gone, or there were too many of them. */
        UNREAD
    }

    /** Which leg. */
    enum LegKind {
        /** The leg that computes the KV cache. */
        PREFILL,
        /** The leg whose answer goes to the client. */
        DECODE
    }
}
