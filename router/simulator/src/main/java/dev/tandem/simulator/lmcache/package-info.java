// SPDX-License-Identifier: Apache-2.0
/**
 * LMCache's connectors in hand-overs: one that tells a router what an LMCache server has stored, and one that pushes KV
 * into the buffer of the decode engine. Written after LMCache's source and examples of 2025-07 to 2026-08; not
 * recorded.
 */
@NullMarked
package dev.tandem.simulator.lmcache;

import org.jspecify.annotations.NullMarked;
