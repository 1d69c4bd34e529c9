// SPDX-License-Identifier: Apache-2.0
package dev.tandem.simulator.peer;

import dev.tandem.simulator.transfer.Site;
import java.time.Duration;

/**
 * What other engines find behind a side channel. Immutable; its parts are thread-safe.
 *
 * @param site The engine whose blocks are read.
 * @param ledger What it has handed out.
 * @param mailbox What others have pushed here, or may take from here.
 * @param extension How long a notice that somebody waits lets kept blocks stay from then on.
 * @param host Where decode legs come for what a prefill leg computes under a common name.
 */
public record Peer(Site site, Ledger ledger, Mailbox mailbox, Duration extension, Host host) {
    /** Makes a peer at which nobody meets. */
    public Peer(Site site, Ledger ledger, Mailbox mailbox, Duration extension) {
        this(site, ledger, mailbox, extension, Host.NONE);
    }

    /** Makes a peer at which decode legs meet prefill legs. */
    public static Peer of(Site site, Host host) {
        return new Peer(site, new Ledger(), new Mailbox(), Duration.ZERO, host);
    }

    /** Makes a peer to which KV is pushed, or from which it is taken, by name. */
    public static Peer of(Site site, Mailbox mailbox) {
        return new Peer(site, new Ledger(), mailbox, Duration.ZERO);
    }
}
