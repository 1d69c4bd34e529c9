// SPDX-License-Identifier: Apache-2.0
package dev.tandem.core.admission;

import dev.tandem.core.request.Caller;
import dev.tandem.core.request.Caller.Priority;
import java.util.ArrayDeque;
import java.util.Comparator;
import java.util.Deque;
import java.util.EnumMap;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;

/**
 * Who waits for a turn: the most urgent first, among those one tenant after the other, and of each tenant who came
 * first. Confined to one thread, or guarded by its owner.
 *
 * @param <T> what waits
 */
public final class FairQueue<T> {
    private final Map<Priority, Band<T>> bands = new EnumMap<>(Priority.class);
    private int size;

    /** Makes an empty queue. */
    public FairQueue() {
        for (Priority priority : Priority.values()) {
            bands.put(priority, new Band<>());
        }
    }

    /** Returns how many wait. */
    public int size() {
        return size;
    }

    /** Puts somebody behind the others of the same tenant. */
    public void add(Caller caller, T item) {
        band(caller).add(caller.tenant(), item);
        size++;
    }

    /** Removes and returns whose turn it is of those who are ready; null when nobody is. */
    public @Nullable T poll(Predicate<? super T> ready) {
        for (Band<T> band : bands.values()) {
            T next = band.poll(ready);
            if (next != null) {
                size--;
                return next;
            }
        }
        return null;
    }

    /** Removes somebody who does not wait any longer; whether they did. */
    public boolean remove(Caller caller, T item) {
        boolean was = band(caller).remove(caller.tenant(), item);
        size -= was ? 1 : 0;
        return was;
    }

    /**
     * Removes and returns who has to make room for a newcomer: somebody less urgent, else somebody whose tenant has
     * more than one request more in the queue than the newcomer's. Of several, who came last of the tenant that has
     * most. Null when nobody has to.
     */
    public @Nullable T displace(Caller newcomer) {
        Band<T> least = leastUrgent(newcomer.priority());
        T displaced = least != null ? least.removeLast() : band(newcomer).removeLast(newcomer.tenant());
        size -= displaced == null ? 0 : 1;
        return displaced;
    }

    private @Nullable Band<T> leastUrgent(Priority than) {
        Band<T> found = null;
        for (Map.Entry<Priority, Band<T>> band : bands.entrySet()) {
            if (band.getKey().compareTo(than) > 0 && !band.getValue().isEmpty()) {
                found = band.getValue();
            }
        }
        return found;
    }

    private Band<T> band(Caller caller) {
        Band<T> band = bands.get(caller.priority());
        if (band == null) {
            throw new IllegalStateException("every priority has a band");
        }
        return band;
    }

    /** Those of one priority. The first tenant is the next one. */
    private static final class Band<T> {
        private final Map<String, Deque<T>> tenants = new LinkedHashMap<>();

        private boolean isEmpty() {
            return tenants.isEmpty();
        }

        private void add(String tenant, T item) {
            tenants.computeIfAbsent(tenant, first -> new ArrayDeque<>()).addLast(item);
        }

        private @Nullable T poll(Predicate<? super T> ready) {
            for (Map.Entry<String, Deque<T>> tenant : tenants.entrySet()) {
                T item = removeFirst(tenant.getValue(), ready);
                if (item != null) {
                    moveBack(tenant.getKey(), tenant.getValue());
                    return item;
                }
            }
            return null;
        }

        private static <T> @Nullable T removeFirst(Deque<T> theirs, Predicate<? super T> ready) {
            for (Iterator<T> items = theirs.iterator(); items.hasNext(); ) {
                T item = items.next();
                if (ready.test(item)) {
                    items.remove();
                    return item;
                }
            }
            return null;
        }

        private void moveBack(String tenant, Deque<T> theirs) {
            tenants.remove(tenant);
            if (!theirs.isEmpty()) {
                tenants.put(tenant, theirs);
            }
        }

        private boolean remove(String tenant, T item) {
            Deque<T> theirs = tenants.get(tenant);
            if (theirs == null || !theirs.remove(item)) {
                return false;
            }
            if (theirs.isEmpty()) {
                tenants.remove(tenant);
            }
            return true;
        }

        private T removeLast() {
            return removeLastOf(largest());
        }

        /** Removes the last one of who has most, if that is fair to a newcomer. */
        private @Nullable T removeLast(String newcomer) {
            Deque<T> theirs = tenants.get(newcomer);
            int fair = (theirs == null ? 0 : theirs.size()) + 1;
            return tenants.isEmpty() || largest().getValue().size() <= fair ? null : removeLastOf(largest());
        }

        private Map.Entry<String, Deque<T>> largest() {
            return tenants.entrySet().stream()
                    .max(Comparator.comparingInt(tenant -> tenant.getValue().size()))
                    .orElseThrow();
        }

        private T removeLastOf(Map.Entry<String, Deque<T>> tenant) {
            T last = tenant.getValue().removeLast();
            if (tenant.getValue().isEmpty()) {
                tenants.remove(tenant.getKey());
            }
            return last;
        }
    }
}
