// SPDX-License-Identifier: Apache-2.0
package dev.tandem.bench.stress;

/**
 * Where a scenario takes place. Its parts are thread-safe.
 *
 * @param port The gateway's.
 * @param gone When the engine has seen peers leave.
 * @param vitals The gateway's.
 */
record Field(int port, Departures gone, Vitals vitals) {}
