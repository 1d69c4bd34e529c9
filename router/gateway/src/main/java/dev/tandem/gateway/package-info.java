// SPDX-License-Identifier: Apache-2.0
/** Tandem gateway. */
@NullMarked
package dev.tandem.gateway;

import org.jspecify.annotations.NullMarked;
