// SPDX-License-Identifier: Apache-2.0
package dev.tandem.core.lifecycle;

/**
 * Learns of clients that were turned away before their request became one. Thread-safe, fast, never blocking, never
 * throwing.
 */
@FunctionalInterface
public interface EdgeListener {
    /** Cares for none of them. */
    EdgeListener NONE = rejection -> {};

    /** A connection or a request has been turned away. */
    void onRejected(Rejection rejection);

    /** Why a client was turned away. */
    enum Rejection {
        /** As many connections are open as may be. */
        CONNECTIONS,
        /** Its address has as many connections open as one may have. */
        CONNECTIONS_OF_PEER,
        /** Its bytes are no proper request, or the head asks for what is refused. */
        MALFORMED,
        /** Its request line or its headers are too long. */
        HEAD_TOO_LARGE,
        /** Too little direct memory is left for its request. */
        DIRECT_MEMORY,
        /** It did not finish a head in time. */
        SLOW_HEAD,
        /** It sent more requests than may wait for the answer to the one before. */
        PIPELINED,
        /** It sent too slowly what was left of a request that had been answered. */
        SLOW_REST,
        /** It did not read its answer. */
        SLOW_READER
    }
}
