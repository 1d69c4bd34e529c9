// SPDX-License-Identifier: Apache-2.0
/** KV caches that decode workers keep of a conversation's last turn, for the prefill leg of the next one. */
@NullMarked
package dev.tandem.gateway.turn;

import org.jspecify.annotations.NullMarked;
