// SPDX-License-Identifier: Apache-2.0
package dev.tandem.gateway.resume;

/**
 * Which streams survive their workers. Immutable.
 *
 * @param enabled whether any do
 * @param limit how often one stream may, at least 1
 * @param maxTokens most tokens of an answer behind which another worker goes on, at least 1
 */
public record ResumeSettings(boolean enabled, int limit, int maxTokens) {}
