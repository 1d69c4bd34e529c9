// SPDX-License-Identifier: Apache-2.0
package dev.tandem.gateway.resume;

import dev.tandem.core.disagg.BodyEdits;
import dev.tandem.core.failure.FailureException;
import dev.tandem.core.request.ApiKind;
import dev.tandem.gateway.answer.EngineAnswer;
import reactor.core.publisher.Mono;

/** Finds another worker for a request whose worker has died in the midst of its answer. */
public interface Successor {
    /** Returns the most tokens of prompt and answer that its model takes, 0 when nobody knows. */
    int contextTokens();

    /**
     * Asks another worker.
     *
     * @param died what became of the worker that answered so far, which is not asked again
     * @param api what the other worker is asked for
     * @param edits what makes this of the client's request
     * @return its answer, or a {@link FailureException}
     */
    Mono<EngineAnswer> ask(FailureException died, ApiKind api, BodyEdits edits);
}
