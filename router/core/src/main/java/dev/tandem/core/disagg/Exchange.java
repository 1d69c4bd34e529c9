// SPDX-License-Identifier: Apache-2.0
package dev.tandem.core.disagg;

/** The legs of one attempt and the order in which they run. There are few orders and many protocols. */
public sealed interface Exchange {
    /** Returns the leg whose answer goes to the client. */
    Leg decode();

    /** One leg runs both phases. */
    record Single(Leg decode) implements Exchange {}

    /** Decode starts when prefill has answered and has handed over. */
    record Sequential(Leg prefill, Handover handover, Leg decode) implements Exchange {}
}
