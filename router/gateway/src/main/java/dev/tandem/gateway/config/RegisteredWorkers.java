// SPDX-License-Identifier: Apache-2.0
package dev.tandem.gateway.config;

import dev.tandem.core.fleet.EngineFacts;
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
 * @param facts what each engine says of itself, by base URL
 */
record RegisteredWorkers(List<Worker> workers, Map<URI, EngineFacts> facts) {
    /** Nobody has registered. */
    static final RegisteredWorkers NONE = new RegisteredWorkers(List.of(), Map.of());

    /** Copies the collections. */
    RegisteredWorkers {
        workers = List.copyOf(workers);
        facts = Map.copyOf(facts);
    }

    /** Makes workers of engines. */
    static RegisteredWorkers of(List<RegisteredEngine> engines, List<Worker> configured) {
        List<Worker> workers = new ArrayList<>();
        Map<URI, EngineFacts> facts = new HashMap<>();
        for (RegisteredEngine engine : engines) {
            facts.put(engine.baseUrl(), new EngineFacts(connector(engine), 0, engine.kv()));
            Worker worker = new Worker(id(engine), engine.baseUrl(), engine.role());
            if (configured.stream().noneMatch(known -> isSame(known, worker))) {
                workers.addAll(WorkerList.ranks(worker, engine.kv().parallel().dp()));
            }
        }
        return new RegisteredWorkers(workers, facts);
    }

    private static boolean isSame(Worker one, Worker other) {
        return one.baseUrl().equals(other.baseUrl()) || one.id().equals(other.id());
    }

    /** The form of a registration tells its protocol. */
    private static String connector(RegisteredEngine engine) {
        String mode = engine.transferMode();
        return mode == null ? "p2p-nccl" : mode.equals("READ") ? "moriio-read" : "moriio-write";
    }

    private static String id(RegisteredEngine engine) {
        String host = engine.baseUrl().getHost().replace('.', '-');
        return engine.role().tag() + "-" + host + "-" + engine.baseUrl().getPort();
    }
}
