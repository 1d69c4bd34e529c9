// SPDX-License-Identifier: Apache-2.0
/** What requests tell about the one who served them: whether to trust it again, and with how much. */
@NullMarked
package dev.tandem.core.health;

import org.jspecify.annotations.NullMarked;
