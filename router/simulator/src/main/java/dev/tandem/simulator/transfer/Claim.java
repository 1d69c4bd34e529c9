// SPDX-License-Identifier: Apache-2.0
package dev.tandem.simulator.transfer;

import org.jspecify.annotations.Nullable;

/** A question that a strict engine asks another one before a request may begin. Confined to one request. */
public interface Claim {
    /** Asks, which blocks; returns why the request is refused, or null. */
    @Nullable
    String judge();

    /** Gives back what was claimed: the client has left before its request began. */
    void giveBack();
}
