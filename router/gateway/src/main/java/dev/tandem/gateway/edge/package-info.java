// SPDX-License-Identifier: Apache-2.0
/** Limits of the listening socket. */
@NullMarked
package dev.tandem.gateway.edge;

import org.jspecify.annotations.NullMarked;
