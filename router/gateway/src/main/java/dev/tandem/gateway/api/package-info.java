// SPDX-License-Identifier: Apache-2.0
/** The paths that clients may call: reading requests and writing errors. */
@NullMarked
package dev.tandem.gateway.api;

import org.jspecify.annotations.NullMarked;
