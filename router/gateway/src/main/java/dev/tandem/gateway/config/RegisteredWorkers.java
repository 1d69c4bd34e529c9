// SPDX-License-Identifier: Apache-2.0
package dev.tandem.gateway.config;

import dev.tandem.core.fleet.KvAddress;
import dev.tandem.core.fleet.Worker;
import dev.tandem.gateway.handover.RegisteredEngine;
import java.net.URI;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * Engines that have registered, as workers. Immutable.
 *
 * @param workers those that the configuration does not name, called by their role and address
 * @param kvAddresses where other engines reach the KV cache of each engine, by base URL
 */
record RegisteredWorkers(List<Worker> workers, Map<URI, KvAddress> kvAddresses) {
    /** Nobody has registered. */
    static final RegisteredWorkers NONE = new RegisteredWorkers(List.of(), Map.of());

    /** Copies the collections. */
    RegisteredWorkers {
        workers = List.copyOf(workers);
        kvAddresses = Map.copyOf(kvAddresses);
    }

    /** Makes workers of engines. */
    static RegisteredWorkers of(List<RegisteredEngine> engines, List<Worker> configured) {
        List<Worker> workers = new ArrayList<>();
        Map<URI, KvAddress> addresses = new HashMap<>();
        for (RegisteredEngine engine : engines) {
            addresses.put(engine.baseUrl(), engine.kv());
            Worker worker = new Worker(id(engine), engine.baseUrl(), engine.role());
            if (configured.stream().noneMatch(known -> isSame(known, worker))) {
                workers.add(worker);
            }
        }
        return new RegisteredWorkers(workers, addresses);
    }

    private static boolean isSame(Worker one, Worker other) {
        return one.baseUrl().equals(other.baseUrl()) || one.id().equals(other.id());
    }

    private static String id(RegisteredEngine engine) {
        String host = engine.baseUrl().getHost().replace('.', '-');
        return engine.role().tag() + "-" + host + "-" + engine.baseUrl().getPort();
    }
}
