// SPDX-License-Identifier: Apache-2.0
/** The workers: who they are, how they are, and how much they have to do. */
@NullMarked
package dev.tandem.core.fleet;

import org.jspecify.annotations.NullMarked;
