// SPDX-License-Identifier: Apache-2.0
/**
 * What runs between simulated engines: a socket of its own format over which they read, push and take KV, in the same
 * process or not, and what they know of each other's hand-overs.
 */
@NullMarked
package dev.tandem.simulator.peer;

import org.jspecify.annotations.NullMarked;
