// SPDX-License-Identifier: Apache-2.0
/** The gateway in process, over real sockets, against fake engines. */
@NullMarked
package dev.tandem.gateway.it;

import org.jspecify.annotations.NullMarked;
