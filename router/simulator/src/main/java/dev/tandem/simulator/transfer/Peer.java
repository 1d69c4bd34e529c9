// SPDX-License-Identifier: Apache-2.0
package dev.tandem.simulator.transfer;

import java.time.Duration;

/**
 * What other engines find behind a side channel. Immutable; its parts are thread-safe.
 *
 * @param site The engine whose blocks are read.
 * @param ledger What it has handed out.
 * @param mailbox What others have pushed here, or may take from here.
 * @param extension How long a notice that somebody waits lets kept blocks stay from then on.
 */
public record Peer(Site site, Ledger ledger, Mailbox mailbox, Duration extension) {
    /** Makes a peer to which KV is pushed, or from which it is taken, by name. */
    public static Peer of(Site site, Mailbox mailbox) {
        return new Peer(site, new Ledger(), mailbox, Duration.ZERO);
    }
}
