// SPDX-License-Identifier: Apache-2.0
/** The legs of an attempt over HTTP, in their order, and what is handed over between them. */
@NullMarked
package dev.tandem.gateway.exchange;

import org.jspecify.annotations.NullMarked;
