// SPDX-License-Identifier: Apache-2.0
package dev.tandem.gateway.resume;

/**
 * Which streams survive their workers. Immutable.
 *
 * @param mode how
 * @param limit how often one stream may, at least 1
 * @param maxTokens most tokens of an answer behind which another worker goes on, at least 1
 */
public record ResumeSettings(ResumeMode mode, int limit, int maxTokens) {
    private static final int CHARACTERS_PER_TOKEN = 4;

    /** Returns the most characters of an answer that are kept of engines that tell no ids. */
    int maxCharacters() {
        return maxTokens * CHARACTERS_PER_TOKEN;
    }
}
