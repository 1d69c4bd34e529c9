// SPDX-License-Identifier: Apache-2.0
/**
 * What Tandem bears: very many streams, clients that never read, send slowly or leave, twice the load that it can
 * serve, workers that die, restarts, and very many requests. {@link dev.tandem.bench.stress.StressBench} is the entry
 * point.
 */
@NullMarked
package dev.tandem.bench.stress;

import org.jspecify.annotations.NullMarked;
