// SPDX-License-Identifier: Apache-2.0
/** Settings, wiring and start-up checks: the composition root, on which nobody depends. */
@NullMarked
package dev.tandem.gateway.config;

import org.jspecify.annotations.NullMarked;
