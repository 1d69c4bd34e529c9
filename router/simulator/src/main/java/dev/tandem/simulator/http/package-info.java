// SPDX-License-Identifier: Apache-2.0
/** The HTTP face of a simulated engine: routes, streaming, fault switches and the journal of what it saw. */
@NullMarked
package dev.tandem.simulator.http;

import org.jspecify.annotations.NullMarked;
