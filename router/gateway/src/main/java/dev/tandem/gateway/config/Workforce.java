// SPDX-License-Identifier: Apache-2.0
package dev.tandem.gateway.config;

import dev.tandem.core.fleet.EngineFacts;
import dev.tandem.core.fleet.Worker;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * The workers that this start serves with: the configured ones, or the embedded simulated ones when none is.
 * Thread-safe.
 */
final class Workforce implements AutoCloseable {
    private final WorkerList configured;
    private final @Nullable EmbeddedEngines embedded;

    private Workforce(WorkerList configured, @Nullable EmbeddedEngines embedded) {
        this.configured = configured;
        this.embedded = embedded;
    }

    /**
     * Reads the configuration and starts simulated engines if it names no worker.
     *
     * @throws InvalidConfigurationException if it names none and the simulator is switched off
     */
    static Workforce of(TandemProperties properties) {
        WorkerList configured = WorkerList.of(properties);
        if (!configured.workers().isEmpty()) {
            return new Workforce(configured, null);
        }
        if (!properties.simulator().enabled()) {
            throw new InvalidConfigurationException(
                    "no worker is configured and the embedded simulator is switched off",
                    "Name workers in tandem.workers, PREFILL_URLS, DECODE_URLS or UNIFIED_URLS.");
        }
        return new Workforce(configured, EmbeddedEngines.start(properties.simulator()));
    }

    List<Worker> workers() {
        return embedded == null ? configured.workers() : embedded.workers();
    }

    @Nullable
    String key(Worker worker) {
        return configured.key(worker);
    }

    /** Returns what the configuration says of a worker's engine. */
    EngineFacts declared(Worker worker) {
        return EngineFacts.UNKNOWN.at(configured.kvAddress(worker));
    }

    boolean simulated() {
        return embedded != null;
    }

    @Override
    public void close() {
        if (embedded != null) {
            embedded.close();
        }
    }
}
