// SPDX-License-Identifier: Apache-2.0
/** What stands before the requests: limits of the listening socket and of its connections, and strict HTTP. */
@NullMarked
package dev.tandem.gateway.edge;

import org.jspecify.annotations.NullMarked;
