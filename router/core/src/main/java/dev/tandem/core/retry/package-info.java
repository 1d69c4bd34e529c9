// SPDX-License-Identifier: Apache-2.0
/** What follows a failed attempt. */
@NullMarked
package dev.tandem.core.retry;

import org.jspecify.annotations.NullMarked;
