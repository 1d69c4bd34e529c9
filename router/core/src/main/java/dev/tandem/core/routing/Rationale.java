// SPDX-License-Identifier: Apache-2.0
package dev.tandem.core.routing;

/**
 * Why a decision came out as it did. Immutable; safe to show.
 *
 * @param policy name of the policy that chose the worker whose answer goes to the client
 * @param reason one clause: why unified or disaggregated, or why nobody
 */
public record Rationale(String policy, String reason) {}
