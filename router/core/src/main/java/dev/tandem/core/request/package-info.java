// SPDX-License-Identifier: Apache-2.0
/** What a client asked for, freed of its transport. */
@NullMarked
package dev.tandem.core.request;

import org.jspecify.annotations.NullMarked;
