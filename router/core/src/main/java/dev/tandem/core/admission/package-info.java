// SPDX-License-Identifier: Apache-2.0
/** Whose turn it is when not everybody can be served at once. */
@NullMarked
package dev.tandem.core.admission;

import org.jspecify.annotations.NullMarked;
