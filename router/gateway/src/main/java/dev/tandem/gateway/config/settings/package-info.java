// SPDX-License-Identifier: Apache-2.0
/** Groups of settings that have a file of their own. */
@NullMarked
package dev.tandem.gateway.config.settings;

import org.jspecify.annotations.NullMarked;
