// SPDX-License-Identifier: Apache-2.0
package dev.tandem.gateway.fleet;

/** Ends a probe with a reason that is safe to show. Carries no stack: an unhealthy worker is an ordinary finding. */
final class ProbeFailure extends RuntimeException {
    private static final long serialVersionUID = 1L;

    private final String reason;

    ProbeFailure(String reason) {
        super(reason, null, false, false);
        this.reason = reason;
    }

    /** Returns the reason. */
    String reason() {
        return reason;
    }
}
