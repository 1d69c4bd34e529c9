// SPDX-License-Identifier: Apache-2.0
/**
 * What engines tell a router on their own: that they are there, that KV has been sent or stored; and how it is lost.
 */
@NullMarked
package dev.tandem.simulator.notice;

import org.jspecify.annotations.NullMarked;
