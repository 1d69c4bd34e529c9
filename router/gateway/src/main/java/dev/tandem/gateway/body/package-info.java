// SPDX-License-Identifier: Apache-2.0
/** Bodies of client requests: read once, scanned once, edited by splicing. */
@NullMarked
package dev.tandem.gateway.body;

import org.jspecify.annotations.NullMarked;
