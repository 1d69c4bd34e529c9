// SPDX-License-Identifier: Apache-2.0
package dev.tandem.core.fleet;

import java.util.Set;

/** Outcome of one probe of a worker. Immutable. */
public sealed interface Probe {
    /**
     * The worker answered its health check and listed its models.
     *
     * @param models names under which it serves, possibly none
     */
    record Healthy(Set<String> models) implements Probe {
        /** Copies the set. */
        public Healthy {
            models = Set.copyOf(models);
        }
    }

    /**
     * The worker did not answer as a healthy one does.
     *
     * @param reason one clause, safe to show
     */
    record Unhealthy(String reason) implements Probe {}
}
