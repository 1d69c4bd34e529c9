// SPDX-License-Identifier: Apache-2.0
package dev.tandem.gateway.exchange;

import dev.tandem.core.fleet.Seat;

/** Who hands over to whom. Immutable. */
record Seats(Seat prefill, Seat decode) {}
