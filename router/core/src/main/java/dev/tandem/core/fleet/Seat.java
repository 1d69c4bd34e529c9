// SPDX-License-Identifier: Apache-2.0
package dev.tandem.core.fleet;

/**
 * A worker together with the number of the lease held on it. Immutable.
 *
 * @param worker the worker
 * @param number lowest number that was free when the lease was taken, from 0
 * @param facts what its engine had said by then
 */
public record Seat(Worker worker, int number, EngineFacts facts) {}
