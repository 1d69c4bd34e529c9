// SPDX-License-Identifier: Apache-2.0
/** What all KV connectors have in common: how the server asks them, and what they know of their engine process. */
@NullMarked
package dev.tandem.simulator.transfer;

import org.jspecify.annotations.NullMarked;
