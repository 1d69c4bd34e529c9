// SPDX-License-Identifier: Apache-2.0
package dev.tandem.core.disagg;

/** The legs of one attempt and the order in which they run. There are few orders and many protocols. */
public sealed interface Exchange {
    /** Returns the leg whose answer goes to the client. */
    Leg decode();

    /** One leg runs both phases. */
    record Single(Leg decode) implements Exchange {}

    /** Decode starts when the prefill worker has answered. */
    record Sequential(Leg prefill, Leg decode) implements Exchange {}
}
