// SPDX-License-Identifier: Apache-2.0
/**
 * The engine model: tokenizer, KV blocks, prefix cache, shared KV store, continuous batching, deterministic text. Knows
 * nothing of HTTP; time comes from outside.
 */
@NullMarked
package dev.tandem.simulator.engine;

import org.jspecify.annotations.NullMarked;
