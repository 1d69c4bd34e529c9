// SPDX-License-Identifier: Apache-2.0
package dev.tandem.simulator.http;

/** Arguments with which the engine does not start; the message is for the person who typed them. */
public final class UsageException extends IllegalArgumentException {
    private static final long serialVersionUID = 1;

    /** Makes an exception with a message that names the argument. */
    public UsageException(String message) {
        super(message);
    }
}
