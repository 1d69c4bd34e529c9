// SPDX-License-Identifier: Apache-2.0
/** Active health of the workers: probes on a fixed beat, and one log line per change of state. */
@NullMarked
package dev.tandem.gateway.fleet;

import org.jspecify.annotations.NullMarked;
