// SPDX-License-Identifier: Apache-2.0
package dev.tandem.core.lifecycle;

import dev.tandem.core.disagg.Leg;
import dev.tandem.core.failure.Failure;

/** Learns what happens to requests. Called on event loops: thread-safe, fast, never blocking, never throwing. */
public interface RequestListener {
    /** A request has come in; exactly one {@code onSettled} follows. */
    default void onAccepted() {}

    /** A leg has ended well. */
    default void onLegCompleted(LegKind kind, Leg leg, long nanos) {}

    /** A leg has failed; {@code onSettled} tells later what became of the request. */
    default void onLegFailed(LegKind kind, Leg leg, Failure failure) {}

    /** A further piece of a streamed answer has arrived, {@code gapNanos} after the one before. */
    default void onGap(long gapNanos) {}

    /** A request has ended, well or not. Called once per {@code onAccepted}. */
    default void onSettled(RequestRecord record) {}

    /** Which leg. */
    enum LegKind {
        /** The leg that computes the KV cache. */
        PREFILL,
        /** The leg whose answer goes to the client. */
        DECODE
    }
}
