// SPDX-License-Identifier: Apache-2.0
/**
 * Hand-over benchmark: what it costs beyond both engines' own times that a prompt is computed by one engine and
 * answered by another, for every connector.
 *
 * <p>{@link dev.tandem.bench.handover.HandoverBench} is the entry point; the method is described in
 * {@code docs/benchmarks}.
 */
@NullMarked
package dev.tandem.bench.handover;

import org.jspecify.annotations.NullMarked;
