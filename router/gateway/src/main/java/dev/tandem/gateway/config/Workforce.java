// SPDX-License-Identifier: Apache-2.0
package dev.tandem.gateway.config;

import dev.tandem.core.disagg.ConnectorChoice;
import dev.tandem.core.fleet.EngineFacts;
import dev.tandem.core.fleet.KvAddress;
import dev.tandem.core.fleet.Worker;
import dev.tandem.gateway.handover.RegisteredEngine;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * The workers that this start serves with: the configured ones and those that register, or the embedded simulated ones
 * when nobody is configured and nobody can register. Thread-safe.
 */
final class Workforce implements AutoCloseable {
    private final WorkerList configured;
    private final @Nullable EmbeddedEngines embedded;
    private final @Nullable String registeredKey;
    private final String connectorForAll;
    private volatile RegisteredWorkers registered = RegisteredWorkers.NONE;

    private Workforce(TandemProperties properties, WorkerList configured, @Nullable EmbeddedEngines embedded) {
        this.configured = configured;
        this.embedded = embedded;
        this.registeredKey = properties.handover().registry().apiKey();
        this.connectorForAll = properties.disagg().connector();
    }

    /**
     * Reads the configuration and starts simulated engines if it names no worker and none can register.
     *
     * @throws InvalidConfigurationException if so, and the simulator is switched off
     */
    static Workforce of(TandemProperties properties) {
        WorkerList configured = WorkerList.of(properties);
        if (!configured.workers().isEmpty() || properties.handover().registry().enabled()) {
            return new Workforce(properties, configured, null);
        }
        if (!properties.simulator().enabled()) {
            throw new InvalidConfigurationException(
                    "no worker is configured and the embedded simulator is switched off",
                    "Name workers in tandem.workers, PREFILL_URLS, DECODE_URLS or UNIFIED_URLS, or let engines register"
                            + " (tandem.handover.registry.enabled).");
        }
        return new Workforce(properties, configured, EmbeddedEngines.start(properties.simulator()));
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
        String connector = Objects.requireNonNullElse(configured.connector(worker), connectorForAll);
        EngineFacts located = address == null ? told : told.at(address);
        return connector.equals(ConnectorChoice.AUTO) ? located : located.speaking(connector);
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
