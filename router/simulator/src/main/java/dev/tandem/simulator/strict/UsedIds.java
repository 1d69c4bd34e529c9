// SPDX-License-Identifier: Apache-2.0
package dev.tandem.simulator.strict;

import dev.tandem.simulator.transfer.Claim;
import java.util.LinkedHashSet;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/** Ids that have come, for strict engines: an id serves one hand-over. Thread-safe, bounded. */
public final class UsedIds {
    private static final int MOST_IDS = 20_000;

    private final Set<String> ids = new LinkedHashSet<>();

    /** Returns the question whether an id is new, which makes it used; {@code name} says in the answer what it is. */
    public Claim claim(String name, String id) {
        return new Claim() {
            @Override
            public @Nullable String judge() {
                return use(id) ? null : name + ": used before: " + id;
            }

            @Override
            public void giveBack() {}
        };
    }

    private synchronized boolean use(String id) {
        if (ids.size() >= MOST_IDS) {
            ids.remove(ids.iterator().next());
        }
        return ids.add(id);
    }
}
