// SPDX-License-Identifier: Apache-2.0
/**
 * What all KV connectors have in common: how the server asks them, and a socket of its own format over which simulated
 * engines read, push and take KV, in the same process or not.
 */
@NullMarked
package dev.tandem.simulator.transfer;

import org.jspecify.annotations.NullMarked;
