// SPDX-License-Identifier: Apache-2.0
package dev.tandem.core.fleet;

/**
 * Prompt tokens that an engine has dealt with since its start. Immutable.
 *
 * @param prompt tokens of all prompts
 * @param handedOver those of them whose KV came from another engine or a shared store
 */
public record PromptCounts(long prompt, long handedOver) {
    /** Returns what has come since an earlier reading; below 0 when the engine was started again between the two. */
    public PromptCounts since(PromptCounts earlier) {
        return new PromptCounts(prompt - earlier.prompt, handedOver - earlier.handedOver);
    }
}
