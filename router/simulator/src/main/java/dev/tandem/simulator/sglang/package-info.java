// SPDX-License-Identifier: Apache-2.0
/**
 * What an SGLang server does with a request that is split over two of them (its source of 2026-07): both get the same
 * body and meet in a bootstrap room.
 */
@NullMarked
package dev.tandem.simulator.sglang;

import org.jspecify.annotations.NullMarked;
