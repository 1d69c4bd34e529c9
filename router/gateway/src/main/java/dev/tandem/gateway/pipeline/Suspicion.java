// SPDX-License-Identifier: Apache-2.0
package dev.tandem.gateway.pipeline;

import dev.tandem.core.failure.Failure;
import dev.tandem.core.failure.FailureException;
import dev.tandem.core.retry.SuspectList;
import dev.tandem.gateway.body.RequestBody;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * Keeps a request that kills its workers from going through the fleet. Thread-safe.
 *
 * <p>A worker counts as dead when it has taken the request and its connection breaks without an answer, or within it.
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
     * Notes how an attempt has failed.
     *
     * @param workers who failed it
     * @return the failure, or that the request is not to be tried any more
     */
    FailureException judged(RequestBody body, Set<String> workers, FailureException failure) {
        if (!(body instanceof RequestBody.Json json) || !died(failure)) {
            return failure;
        }
        String request = json.digest();
        workers.forEach(worker -> suspects.onDied(request, worker));
        return suspects.refuses(request) ? poison() : failure;
    }

    /** The request was answered well. */
    void clear(RequestBody body) {
        if (suspects.any() && body instanceof RequestBody.Json json) {
            suspects.onCompleted(json.digest());
        }
    }

    private static boolean died(FailureException failure) {
        @Nullable Throwable cause = failure;
        while (cause instanceof FailureException known) {
            if (known.failure() == Failure.ENGINE_DROPPED) {
                return true;
            }
            cause = known.getCause();
        }
        return false;
    }

    private static FailureException poison() {
        return new FailureException(
                Failure.POISON_SUSPECTED, "workers died with this request; it is refused for a while");
    }
}
