// SPDX-License-Identifier: Apache-2.0
/** Tandem simulator. */
@NullMarked
package dev.tandem.simulator;

import org.jspecify.annotations.NullMarked;
