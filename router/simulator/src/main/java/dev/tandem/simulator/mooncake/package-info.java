// SPDX-License-Identifier: Apache-2.0
/**
 * vLLM's Mooncake connector (its source of 2026-08, read on 2026-11-21): a bootstrap server that says where a prefill
 * engine is, and transfer ids that a router gives to both legs.
 */
@NullMarked
package dev.tandem.simulator.mooncake;

import org.jspecify.annotations.NullMarked;
