// SPDX-License-Identifier: Apache-2.0
/** The hand-over protocols of the field, one class each. */
@NullMarked
package dev.tandem.core.disagg.connector;

import org.jspecify.annotations.NullMarked;
