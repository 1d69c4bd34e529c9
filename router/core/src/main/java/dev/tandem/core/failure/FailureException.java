// SPDX-License-Identifier: Apache-2.0
package dev.tandem.core.failure;

import org.jspecify.annotations.Nullable;

/**
 * A {@link Failure} on its way to the one place that answers it.
 *
 * <p>The message is safe to show to a client: no prompt, no address of a worker. The cause is for the log only.
 */
public final class FailureException extends RuntimeException {
    private static final long serialVersionUID = 1L;

    private final Failure failure;

    /**
     * Makes an exception that carries no stack trace: a failure is an outcome, not a fault of the program.
     *
     * @param failure what went wrong
     * @param detail one sentence for the client, lower case, no full stop
     * @param cause for the log, or null
     */
    public FailureException(Failure failure, String detail, @Nullable Throwable cause) {
        super(detail, cause, false, failure == Failure.INTERNAL);
        this.failure = failure;
    }

    /** Makes an exception without a cause. */
    public FailureException(Failure failure, String detail) {
        this(failure, detail, null);
    }

    /** Returns what went wrong. */
    public Failure failure() {
        return failure;
    }

    /** Returns the sentence for the client. */
    public String detail() {
        return java.util.Objects.requireNonNullElse(getMessage(), failure.code());
    }
}
