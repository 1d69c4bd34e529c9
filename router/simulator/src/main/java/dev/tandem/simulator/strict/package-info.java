// SPDX-License-Identifier: Apache-2.0
/** What strict engines check in the same way, whatever their connector. */
@NullMarked
package dev.tandem.simulator.strict;

import org.jspecify.annotations.NullMarked;
