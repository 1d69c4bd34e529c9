// SPDX-License-Identifier: Apache-2.0
/**
 * vLLM 0.32's NIXL connector (pull): parameters on the wire, and blocks that are kept until another engine has read
 * them.
 */
@NullMarked
package dev.tandem.simulator.nixl;

import org.jspecify.annotations.NullMarked;
