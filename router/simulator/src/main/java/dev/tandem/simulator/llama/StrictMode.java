// SPDX-License-Identifier: Apache-2.0
package dev.tandem.simulator.llama;

/**
 * What a correct client of llama-server never does. The real server accepts it and goes wrong later; a strict one
 * refuses it and notes it in the journal. Immutable.
 *
 * @param on Requests are refused.
 */
record StrictMode(boolean on) {
    /** What a client must not do. */
    enum Rule {
        /** A slot id below -1 or not below the number of slots; the real server takes it modulo that number. */
        SLOT_OUT_OF_RANGE,
        /** A slot action on a slot that is answering a request; the real server lets it wait. */
        SLOT_BUSY,
        /** A slot is saved whose last request asked for one token as a stream. */
        STREAMED_PREFILL,
        /** A file of another model is restored; the real server notices only another shape. */
        FOREIGN_FILE
    }

    /** Refuses a request that breaks a rule; does nothing when strictness is off. */
    void refuseIf(boolean broken, Rule rule, String detail) {
        if (on && broken) {
            throw LlamaError.violation(rule + ": " + detail);
        }
    }
}
