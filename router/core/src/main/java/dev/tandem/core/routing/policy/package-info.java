// SPDX-License-Identifier: Apache-2.0
/** The policies by name: each class is one way to choose a worker. */
@NullMarked
package dev.tandem.core.routing.policy;

import org.jspecify.annotations.NullMarked;
