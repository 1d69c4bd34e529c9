// SPDX-License-Identifier: Apache-2.0
package dev.tandem.gateway.fleet;

/** Ends a probe with a reason that is safe to show. Carries no stack: an unhealthy worker is an ordinary finding. */
final class ProbeFailure extends RuntimeException {
    private static final long serialVersionUID = 1L;

    private final String reason;
    private final boolean late;

    ProbeFailure(String reason) {
        this(reason, false);
    }

    private ProbeFailure(String reason, boolean late) {
        super(reason, null, false, false);
        this.reason = reason;
        this.late = late;
    }

    /** Makes the end of a probe for which no answer came in time. */
    static ProbeFailure late(String reason) {
        return new ProbeFailure(reason, true);
    }

    /** Whether an answer may come next time. */
    boolean late() {
        return late;
    }

    /** Returns the reason. */
    String reason() {
        return reason;
    }
}
