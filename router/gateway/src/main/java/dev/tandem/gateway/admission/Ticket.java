// SPDX-License-Identifier: Apache-2.0
package dev.tandem.gateway.admission;

import reactor.core.publisher.Mono;

/**
 * A place in the waiting room, from entering to closing: first in the queue, then among those that run. Whoever has
 * entered closes it, however the request ends; a ticket is never a value in a stream, where a cancellation could lose
 * it. Thread-safe.
 */
public interface Ticket extends AutoCloseable {
    /**
     * Completes when the turn has come.
     *
     * @return fails with {@code DEADLINE_EXCEEDED} when the wait for a free place has been too long, with
     *     {@code OVERLOADED} when that for an engine has been, or when others have more right to wait; silent once
     *     closed
     */
    Mono<Void> turn();

    /** Whether there was a free place on entering, and no engine that should get the request. */
    boolean heldBack();

    /** Leaves the queue, or frees the place for whose turn it is. Idempotent. */
    @Override
    void close();
}
