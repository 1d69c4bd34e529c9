// SPDX-License-Identifier: Apache-2.0
package dev.tandem.core.retry;

import dev.tandem.core.failure.Failure;

/** What follows a failed attempt whose answer has not begun to leave. */
public sealed interface NextMove {
    /** Routes again, without the workers that have failed this request. */
    record RouteAgain() implements NextMove {}

    /** Routes again, without those workers, to one that computes the prompt itself. */
    record ServeWhole() implements NextMove {}

    /** Another attempt would help, but there are too many already: the client gets the failure. */
    record Denied(Failure failure) implements NextMove {}

    /** The client gets the failure. */
    record GiveUp(Failure failure) implements NextMove {}
}
