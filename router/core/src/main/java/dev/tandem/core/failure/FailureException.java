// SPDX-License-Identifier: Apache-2.0
package dev.tandem.core.failure;

import java.time.Duration;
import org.jspecify.annotations.Nullable;

/**
 * A {@link Failure} on its way to the one place that answers it.
 *
 * <p>The message is safe to show to a client: no prompt, no address of a worker. The cause is for the log only.
 */
public final class FailureException extends RuntimeException {
    private static final long serialVersionUID = 1L;

    private final Failure failure;
    private final Duration retryAfter;

    /**
     * Makes an exception that carries no stack trace: a failure is an outcome, not a fault of the program.
     *
     * @param failure what went wrong
     * @param detail one sentence for the client, lower case, no full stop
     * @param cause for the log, or null
     */
    public FailureException(Failure failure, String detail, @Nullable Throwable cause) {
        this(failure, detail, cause, Duration.ZERO);
    }

    private FailureException(Failure failure, String detail, @Nullable Throwable cause, Duration retryAfter) {
        super(detail, cause, false, failure == Failure.INTERNAL);
        this.failure = failure;
        this.retryAfter = retryAfter;
    }

    /** Makes an exception without a cause. */
    public FailureException(Failure failure, String detail) {
        this(failure, detail, null);
    }

    /** Returns this failure with the advice to ask again after that time, unless it has a longer one. */
    public FailureException retryingAfter(Duration time) {
        return time.compareTo(retryAfter) > 0 ? new FailureException(failure, detail(), getCause(), time) : this;
    }

    /** Returns when to ask again; zero when nobody has said. */
    public Duration retryAfter() {
        return retryAfter;
    }

    /** Returns what went wrong. */
    public Failure failure() {
        return failure;
    }

    /** Whether it is such a failure, or was caused by one. */
    public boolean comesFrom(Failure origin) {
        return failure == origin || (getCause() instanceof FailureException cause && cause.comesFrom(origin));
    }

    /** Returns the sentence for the client. */
    public String detail() {
        return java.util.Objects.requireNonNullElse(getMessage(), failure.code());
    }
}
