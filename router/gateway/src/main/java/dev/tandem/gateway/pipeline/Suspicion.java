// SPDX-License-Identifier: Apache-2.0
package dev.tandem.gateway.pipeline;

import dev.tandem.core.failure.Failure;
import dev.tandem.core.failure.FailureException;
import dev.tandem.core.retry.SuspectList;
import dev.tandem.gateway.body.RequestBody;
import java.util.Set;

/**
 * Keeps a request that kills its workers from going through the fleet. Thread-safe.
 *
 * <p>A worker counts as dead when it has taken the request and its connection breaks without an answer, or within it;
 * and when its engine says that it is dead ({@link dev.tandem.gateway.answer.DeadEngine}). A worker that fails the
 * request in another way lives on. Requests that are under way at one moment are not held back: nobody knows yet.
 */
public final class Suspicion {
    private final SuspectList suspects;

    /** Makes one that shares its knowledge. */
    public Suspicion(SuspectList suspects) {
        this.suspects = suspects;
    }

    /** Fails if the request has brought too many workers down. */
    void requireInnocent(RequestBody body) {
        if (suspects.any() && body instanceof RequestBody.Json json && suspects.refuses(json.digest())) {
            throw poison();
        }
    }

    /**
     * Whether a request is not to be tried any more.
     *
     * @param dead the workers that have died with it in an attempt, which are noted
     */
    boolean condemns(RequestBody body, Set<String> dead) {
        if (dead.isEmpty() || !(body instanceof RequestBody.Json json)) {
            return false;
        }
        String request = json.digest();
        dead.forEach(worker -> suspects.onDied(request, worker));
        return suspects.refuses(request);
    }

    /**
     * Notes how an attempt has failed.
     *
     * @param dead as in {@link #condemns}
     * @return the failure, or that the request is not to be tried any more
     */
    FailureException judged(RequestBody body, Set<String> dead, FailureException failure) {
        return condemns(body, dead) ? poison() : failure;
    }

    /** The request was answered well. */
    void clear(RequestBody body) {
        if (suspects.any() && body instanceof RequestBody.Json json) {
            suspects.onCompleted(json.digest());
        }
    }

    private static FailureException poison() {
        return new FailureException(
                Failure.POISON_SUSPECTED, "workers died with this request; it is refused for a while");
    }
}
