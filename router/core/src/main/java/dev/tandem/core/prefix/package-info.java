// SPDX-License-Identifier: Apache-2.0
/** Fingerprints of prompts: what two requests have in common, without their text. */
@NullMarked
package dev.tandem.core.prefix;

import org.jspecify.annotations.NullMarked;
