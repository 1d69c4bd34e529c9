// SPDX-License-Identifier: Apache-2.0
/** The life of one request, from admission to settlement. */
@NullMarked
package dev.tandem.gateway.pipeline;

import org.jspecify.annotations.NullMarked;
