// SPDX-License-Identifier: Apache-2.0
/**
 * vLLM 0.32's NIXL connector (pull): parameters on the wire, kept blocks, and a side channel of its own format over
 * which one simulated engine reads the blocks of another, in the same process or not.
 */
@NullMarked
package dev.tandem.simulator.nixl;

import org.jspecify.annotations.NullMarked;
