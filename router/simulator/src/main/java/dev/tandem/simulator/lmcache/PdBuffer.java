// SPDX-License-Identifier: Apache-2.0
package dev.tandem.simulator.lmcache;

import dev.tandem.simulator.engine.Handover.Block;
import dev.tandem.simulator.peer.Mailbox;
import dev.tandem.simulator.store.KvStore;
import java.util.List;
import java.util.OptionalLong;

/** What was pushed into a receiver: each block under its content hash, until it is fetched. Thread-safe. */
record PdBuffer(Mailbox mailbox) implements KvStore {
    @Override
    public OptionalLong load(long key) {
        List<Block> found = mailbox.poll(name(key));
        return found == null
                ? OptionalLong.empty()
                : OptionalLong.of(found.getFirst().content());
    }

    /** Decode engines store nothing. */
    @Override
    public void store(long key, long content) {}

    /** Returns the name under which a block is pushed. */
    static String name(long key) {
        return "%016x".formatted(key);
    }
}
