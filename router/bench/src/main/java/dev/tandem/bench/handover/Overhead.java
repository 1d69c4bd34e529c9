// SPDX-License-Identifier: Apache-2.0
package dev.tandem.bench.handover;

import org.jspecify.annotations.Nullable;

/**
 * What one exchange cost beyond both engines' own times, in nanoseconds. Immutable.
 *
 * <pre>
 * overhead = client's time to first token - time in the prefill engine - time to decode's first token
 *
 * time in the prefill engine    from the prompt's arrival in it to its token
 * time to decode's first token  from the moment at which decode has all that it waits for (its leg, and KV that another
 *                               engine hands over) to its token
 * </pre>
 *
 * Neither overlaps the other, whichever leg is sent first, because decode cannot begin before prefill has ended: a leg
 * that waits for KV is inside {@link #between}, and nothing is counted twice.
 *
 * @param before From the client's request to the prompt's arrival in the engine that computes it.
 * @param between From prefill's token to the moment at which decode has all that it waits for; 0 for one leg.
 * @param after From the engine's token to the client.
 */
record Overhead(long before, long between, long after) {
    /** Of two legs; the client's first token is decode's. */
    static Overhead ofTwo(Exchange exchange, EngineTimes prefill, EngineTimes decode) {
        return new Overhead(
                prefill.queuedNanos() - exchange.sentNanos(),
                decode.readyNanos() - prefill.tokenNanos(),
                exchange.firstNanos() - decode.tokenNanos());
    }

    /** Of one leg, or of two legs if the client's first token is prefill's: decode has no part in it. */
    static Overhead ofOne(Exchange exchange, EngineTimes engine) {
        return new Overhead(
                engine.queuedNanos() - exchange.sentNanos(), 0, exchange.firstNanos() - engine.tokenNanos());
    }

    /** Of the second token, where the first one is prefill's. */
    static Overhead ofSecond(Exchange exchange, EngineTimes prefill, EngineTimes decode) {
        return new Overhead(
                prefill.queuedNanos() - exchange.sentNanos(),
                decode.readyNanos() - prefill.tokenNanos(),
                exchange.secondNanos() - decode.tokenNanos());
    }

    long nanos() {
        return before + between + after;
    }

    /** Returns why these times cannot be those of a hand-over; null if they can. */
    @Nullable
    String fault() {
        if (before < 0 || after < 0) {
            return "an engine was faster than its client";
        }
        return between < 0 ? "decode did not wait for prefill" : null;
    }
}
