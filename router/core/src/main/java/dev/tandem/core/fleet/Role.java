// SPDX-License-Identifier: Apache-2.0
package dev.tandem.core.fleet;

/** What a worker is for. */
public enum Role {
    /** Computes the KV cache of prompts. */
    PREFILL,
    /** Generates from a KV cache that another worker computed. */
    DECODE,
    /** Does both phases of a request. */
    UNIFIED;

    /** Returns the name used in configuration, logs and metric tags. */
    public String tag() {
        return name().toLowerCase(java.util.Locale.ROOT);
    }
}
