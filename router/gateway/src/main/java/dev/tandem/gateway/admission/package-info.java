// SPDX-License-Identifier: Apache-2.0
/** The waiting room in front of the workers. */
@NullMarked
package dev.tandem.gateway.admission;

import org.jspecify.annotations.NullMarked;
