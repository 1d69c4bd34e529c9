// SPDX-License-Identifier: Apache-2.0
package dev.tandem.gateway.answer;

import dev.tandem.core.failure.FailureException;
import org.jspecify.annotations.Nullable;

/**
 * How the body of an answer ended. Immutable.
 *
 * @param kind what ended it
 * @param failure what went wrong on the engine's side; null unless it broke off
 * @param bytes bytes that were passed on
 * @param usage what the engine said of the tokens it used
 */
public record RelayEnd(Kind kind, @Nullable FailureException failure, long bytes, UsageReport usage) {
    /** What ended the body of an answer. */
    public enum Kind {
        /** Its last byte has been passed on. */
        WHOLE,
        /** The client left when the stream had said that it is complete, as SDKs do. */
        TAKEN,
        /** The engine broke off. */
        BROKEN,
        /** The client left. */
        CANCELLED
    }
}
