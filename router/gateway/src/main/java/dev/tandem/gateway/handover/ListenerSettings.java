// SPDX-License-Identifier: Apache-2.0
package dev.tandem.gateway.handover;

/**
 * Where a listener for engines listens, and to whom. Immutable.
 *
 * @param address address to bind to
 * @param port port, or 0 for any free one
 * @param allowed who may connect
 */
public record ListenerSettings(String address, int port, AddressRanges allowed) {}
