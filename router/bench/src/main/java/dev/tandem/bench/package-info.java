// SPDX-License-Identifier: Apache-2.0
/**
 * Relay benchmark: what one proxy process costs per request and per event, beside other proxies in the same run.
 *
 * <p>{@link dev.tandem.bench.RelayBench} is the entry point; the method is described in {@code docs/benchmarks}.
 */
@NullMarked
package dev.tandem.bench;

import org.jspecify.annotations.NullMarked;
