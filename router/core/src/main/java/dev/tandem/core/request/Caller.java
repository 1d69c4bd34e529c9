// SPDX-License-Identifier: Apache-2.0
package dev.tandem.core.request;

/**
 * Who asks. Immutable.
 *
 * @param tenant whose requests share one turn with each other; may be credentials, so it is never shown
 * @param priority how urgent it is
 */
public record Caller(String tenant, Priority priority) {
    /** Nobody in particular. */
    public static final Caller ANYBODY = new Caller("", Priority.NORMAL);

    @Override
    public String toString() {
        return "Caller[" + priority + "]";
    }

    /** How urgent requests are; the first constant is the most urgent. */
    public enum Priority {
        /** People wait for it. */
        HIGH,
        /** Nobody has said. */
        NORMAL,
        /** It may be refused first. */
        LOW
    }
}
