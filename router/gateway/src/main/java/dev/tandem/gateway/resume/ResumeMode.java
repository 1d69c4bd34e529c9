// SPDX-License-Identifier: Apache-2.0
package dev.tandem.gateway.resume;

/** How streams survive their workers. */
public enum ResumeMode {
    /** They do not. */
    OFF,
    /**
     * Another worker goes on from the ids of the tokens that the client has; where the engine tells none, a greedy
     * answer is generated again from its start, and compared.
     */
    ON,
    /**
     * As {@link #ON}, but where the engine tells no ids, another worker goes on with a greedy answer behind its text.
     */
    TEXT
}
