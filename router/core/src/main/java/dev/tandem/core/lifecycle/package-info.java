// SPDX-License-Identifier: Apache-2.0
/** The end of a request, told once to everybody who learns from it. */
@NullMarked
package dev.tandem.core.lifecycle;

import org.jspecify.annotations.NullMarked;
