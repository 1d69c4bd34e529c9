// SPDX-License-Identifier: Apache-2.0
package dev.tandem.core.fleet;

import java.util.Set;

/** Outcome of one probe of a worker. Immutable. */
public sealed interface Probe {
    /**
     * The worker answered its health check and listed its models.
     *
     * @param models names under which it serves, possibly none
     * @param facts what else it said
     */
    record Healthy(Set<String> models, EngineFacts facts) implements Probe {
        /** Copies the set. */
        public Healthy {
            models = Set.copyOf(models);
        }

        /** Makes the outcome for an engine that said nothing else. */
        public Healthy(Set<String> models) {
            this(models, EngineFacts.UNKNOWN);
        }
    }

    /**
     * The worker did not answer as a healthy one does.
     *
     * @param reason one clause, safe to show
     */
    record Unhealthy(String reason) implements Probe {}
}
