// SPDX-License-Identifier: Apache-2.0
package dev.tandem.gateway.config;

import dev.tandem.core.fleet.EngineFacts;
import dev.tandem.core.fleet.KvAddress;
import dev.tandem.core.fleet.Worker;
import dev.tandem.gateway.config.TandemProperties.RegistryProperties;
import dev.tandem.gateway.handover.RegisteredEngine;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * The workers that this start serves with: the configured ones and those that register, or the embedded simulated ones
 * when nobody is configured and nobody can register. Thread-safe.
 */
final class Workforce implements AutoCloseable {
    private final WorkerList configured;
    private final @Nullable EmbeddedEngines embedded;
    private final @Nullable String registeredKey;
    private volatile RegisteredWorkers registered = RegisteredWorkers.NONE;

    private Workforce(WorkerList configured, @Nullable EmbeddedEngines embedded, @Nullable String registeredKey) {
        this.configured = configured;
        this.embedded = embedded;
        this.registeredKey = registeredKey;
    }

    /**
     * Reads the configuration and starts simulated engines if it names no worker and none can register.
     *
     * @throws InvalidConfigurationException if so, and the simulator is switched off
     */
    static Workforce of(TandemProperties properties) {
        WorkerList configured = WorkerList.of(properties);
        RegistryProperties registry = properties.handover().registry();
        if (!configured.workers().isEmpty() || registry.enabled()) {
            return new Workforce(configured, null, registry.apiKey());
        }
        if (!properties.simulator().enabled()) {
            throw new InvalidConfigurationException(
                    "no worker is configured and the embedded simulator is switched off",
                    "Name workers in tandem.workers, PREFILL_URLS, DECODE_URLS or UNIFIED_URLS, or let engines register"
                            + " (tandem.handover.registry.enabled).");
        }
        return new Workforce(configured, EmbeddedEngines.start(properties.simulator()), null);
    }

    List<Worker> workers() {
        List<Worker> all = new ArrayList<>(embedded == null ? configured.workers() : embedded.workers());
        all.addAll(registered.workers());
        return all;
    }

    /** Sets which engines are registered; those that the configuration names are no further workers. */
    void register(List<RegisteredEngine> engines) {
        registered = RegisteredWorkers.of(engines, configured.workers());
    }

    /** Returns the number of registered engines. */
    int registered() {
        return registered.facts().size();
    }

    @Nullable
    String key(Worker worker) {
        return registered.workers().contains(worker) ? registeredKey : configured.key(worker);
    }

    /** Returns what the configuration or, where it is silent, the registration says of a worker's engine. */
    EngineFacts declared(Worker worker) {
        EngineFacts told = registered
                .facts()
                .getOrDefault(worker.baseUrl(), EngineFacts.UNKNOWN)
                .in(configured.group(worker));
        KvAddress address = configured.kvAddress(worker);
        return address == null ? told : told.at(address);
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
