// SPDX-License-Identifier: Apache-2.0
/** Decisions and state machines of the router, pure Java. */
@NullMarked
package dev.tandem.core;

import org.jspecify.annotations.NullMarked;
