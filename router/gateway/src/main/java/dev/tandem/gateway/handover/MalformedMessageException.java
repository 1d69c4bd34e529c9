// SPDX-License-Identifier: Apache-2.0
package dev.tandem.gateway.handover;

/** A message that cannot be read. Carries no stack: it is an outcome, and strangers can cause any number of them. */
final class MalformedMessageException extends Exception {
    private static final long serialVersionUID = 1L;

    /** Makes one that says what is wrong, without anything of the message. */
    MalformedMessageException(String detail) {
        super(detail, null, false, false);
    }
}
