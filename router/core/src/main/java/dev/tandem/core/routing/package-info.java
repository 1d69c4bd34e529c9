// SPDX-License-Identifier: Apache-2.0
/** Which workers run a request, and why. */
@NullMarked
package dev.tandem.core.routing;

import org.jspecify.annotations.NullMarked;
