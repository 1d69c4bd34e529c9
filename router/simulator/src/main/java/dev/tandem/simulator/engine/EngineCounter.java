// SPDX-License-Identifier: Apache-2.0
package dev.tandem.simulator.engine;

/** Monotonic counts of an engine; token counts unless said otherwise. */
public enum EngineCounter {
    /** Prompt tokens looked up in the engine's own prefix cache. */
    PREFIX_QUERIES,
    /** Prompt tokens found there. */
    PREFIX_HITS,
    /** Prompt tokens looked up in the shared store or in another engine, after the own cache. */
    EXTERNAL_QUERIES,
    /** Prompt tokens found there. */
    EXTERNAL_HITS,
    /** Sequences put back into the queue for want of blocks. */
    PREEMPTIONS,
    /** Prompt tokens of sequences that have got their first token. */
    PROMPT,
    /** The part of them that was computed here. */
    PROMPT_COMPUTED,
    /** The part of them that was found in the own cache. */
    PROMPT_LOCAL_HIT,
    /** The part of them that came from the shared store or another engine. */
    PROMPT_EXTERNAL,
    /** Generated tokens. */
    GENERATION,
    /** Fetches from another engine that failed; requests. */
    FAILED_TRANSFERS,
    /** Ended sequences whose KV was kept for another engine until the lease ended; requests. */
    KV_EXPIRED,
    /** Notices that KV was fetched which was no longer kept; notices. */
    LATE_NOTICES
}
