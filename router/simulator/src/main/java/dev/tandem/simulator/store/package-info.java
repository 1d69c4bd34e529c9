// SPDX-License-Identifier: Apache-2.0
/** The shared KV store: blocks outside the engines, found by their content. Knows nothing of engines. */
@NullMarked
package dev.tandem.simulator.store;

import org.jspecify.annotations.NullMarked;
