// SPDX-License-Identifier: Apache-2.0
package dev.tandem.core.fleet;

/**
 * A prefill and a decode worker, whatever runs on them. Immutable.
 *
 * @param prefill id of the prefill worker
 * @param decode id of the decode worker
 */
public record WorkerPair(String prefill, String decode) {}
