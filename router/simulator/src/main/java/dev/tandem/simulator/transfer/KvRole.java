// SPDX-License-Identifier: Apache-2.0
package dev.tandem.simulator.transfer;

/** What an engine is used for in hand-overs ({@code kv_role}). */
public enum KvRole {
    /** Prefill only. */
    PRODUCER,
    /** Decode only. */
    CONSUMER,
    /** Both. */
    BOTH
}
