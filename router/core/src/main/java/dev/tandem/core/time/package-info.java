// SPDX-License-Identifier: Apache-2.0
/** Time as a value that is passed in. */
@NullMarked
package dev.tandem.core.time;

import org.jspecify.annotations.NullMarked;
