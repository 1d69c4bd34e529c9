// SPDX-License-Identifier: Apache-2.0
package dev.tandem.bench.stress;

import java.util.concurrent.ConcurrentMap;

/**
 * Where a scenario takes place. Its parts are thread-safe.
 *
 * @param port The gateway's.
 * @param gone When the engine has seen peers leave, by the ids of their requests, in nanoseconds of this machine.
 * @param vitals The gateway's.
 */
record Field(int port, ConcurrentMap<Integer, Long> gone, Vitals vitals) {}
