// SPDX-License-Identifier: Apache-2.0
/** Meters and the access log: what the gateway tells about requests, and the one table of meter names. */
@NullMarked
package dev.tandem.gateway.telemetry;

import org.jspecify.annotations.NullMarked;
