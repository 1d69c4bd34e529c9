// SPDX-License-Identifier: Apache-2.0
package dev.tandem.core.lifecycle;

import dev.tandem.core.failure.Failure;

/** How a request ended. Exactly one per request. */
public sealed interface Outcome {
    /** The whole answer has left. */
    record Completed() implements Outcome {}

    /** The answer broke off after it had begun to leave. */
    record Truncated(Failure failure) implements Outcome {}

    /** The client closed its connection first. */
    record ClientLeft() implements Outcome {}

    /** The client got an error instead of an answer. */
    record Failed(Failure failure) implements Outcome {}

    /** Returns the name used in logs and metric tags. */
    default String tag() {
        return switch (this) {
            case Completed ended -> "completed";
            case Truncated ended -> "truncated";
            case ClientLeft ended -> "client_left";
            case Failed ended -> "failed";
        };
    }
}
