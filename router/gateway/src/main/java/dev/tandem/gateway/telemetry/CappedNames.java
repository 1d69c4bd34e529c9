// SPDX-License-Identifier: Apache-2.0
package dev.tandem.gateway.telemetry;

import java.util.concurrent.ConcurrentHashMap;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/**
 * One value per name for the first names seen, one shared value for all later ones. Thread-safe; a look-up of a known
 * name takes no lock and allocates nothing.
 */
final class CappedNames<T> {
    private final int limit;
    private final Function<String, T> make;
    private final T other;
    private final ConcurrentHashMap<String, T> known = new ConcurrentHashMap<>();

    /**
     * Makes the shared value at once.
     *
     * @param limit names that get a value of their own
     * @param make makes the value of a name
     */
    CappedNames(int limit, Function<String, T> make) {
        this.limit = limit;
        this.make = make;
        this.other = make.apply(MeterTag.OTHER);
    }

    /** Returns the value of a name; the shared one for null. */
    T get(@Nullable String name) {
        if (name == null) {
            return other;
        }
        T value = known.get(name);
        return value != null ? value : add(name);
    }

    // Under a lock, so that the limit holds when two threads meet a new name.
    private synchronized T add(String name) {
        return known.size() < limit ? known.computeIfAbsent(name, make) : known.getOrDefault(name, other);
    }
}
