// SPDX-License-Identifier: Apache-2.0
/**
 * Everything that can go wrong, as one table: what clients are told, what may be retried, what counts against a worker.
 */
@NullMarked
package dev.tandem.core.failure;

import org.jspecify.annotations.NullMarked;
