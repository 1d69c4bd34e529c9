// SPDX-License-Identifier: Apache-2.0
/** The legs of an attempt over HTTP, and the way of the answer back to the client. */
@NullMarked
package dev.tandem.gateway.exchange;

import org.jspecify.annotations.NullMarked;
