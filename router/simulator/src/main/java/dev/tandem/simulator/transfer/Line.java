// SPDX-License-Identifier: Apache-2.0
package dev.tandem.simulator.transfer;

/** What becomes of a connection that another engine makes to the port at which KV is handed over. */
public enum Line {
    /** It is served. */
    GOOD,
    /** It is reset before it has said anything, as if nobody listened. */
    DEAD,
    /** It is reset in answer to what it says. */
    RESET,
    /** It is never answered. */
    SILENT,
    /** It gets bytes that mean nothing. */
    GARBLED,
    /** It is told that nobody here knows what it wants. */
    REFUSED
}
