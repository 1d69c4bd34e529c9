// SPDX-License-Identifier: Apache-2.0
package dev.tandem.simulator.store;

import java.util.OptionalLong;

/** A store of KV blocks outside the engine, shared with others and addressed by content. */
public interface KvStore {
    /** Returns what the stored block holds, or empty if there is none. */
    OptionalLong load(long key);

    /** Stores a block; storing one that is there already does nothing. */
    void store(long key, long content);
}
