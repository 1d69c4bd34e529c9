// SPDX-License-Identifier: Apache-2.0
package dev.tandem.simulator.lmcache;

import dev.tandem.simulator.store.KvStore;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.OptionalLong;

/** A store that writes some time after the engine has handed blocks to it. Thread-safe. */
final class DeferredStore implements KvStore {
    private final KvStore store;
    private final Map<Long, Long> pending = new LinkedHashMap<>();

    DeferredStore(KvStore store) {
        this.store = store;
    }

    @Override
    public OptionalLong load(long key) {
        return store.load(key);
    }

    @Override
    public synchronized void store(long key, long content) {
        pending.put(key, content);
    }

    /** Writes what is waiting. */
    synchronized void flush() {
        pending.forEach(store::store);
        pending.clear();
    }
}
