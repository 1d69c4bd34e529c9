// SPDX-License-Identifier: Apache-2.0
/** Tandem bench. */
@NullMarked
package dev.tandem.bench;

import org.jspecify.annotations.NullMarked;
