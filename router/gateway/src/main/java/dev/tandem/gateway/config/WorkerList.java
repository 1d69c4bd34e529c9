// SPDX-License-Identifier: Apache-2.0
package dev.tandem.gateway.config;

import dev.tandem.core.fleet.KvAddress;
import dev.tandem.core.fleet.Role;
import dev.tandem.core.fleet.Worker;
import dev.tandem.gateway.config.TandemProperties.KvProperties;
import dev.tandem.gateway.config.TandemProperties.WorkerProperties;
import java.net.URI;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.Supplier;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;

/** The workers that the configuration names, in its long form and its short ones. Immutable. */
final class WorkerList {
    private static final int NO_PORT = 0;

    private final List<Worker> workers = new ArrayList<>();
    private final Map<String, String> keys = new HashMap<>();
    private final Map<String, String> connectors = new HashMap<>();
    private final Map<String, KvAddress> kvAddresses = new HashMap<>();
    private final Map<String, String> groups = new HashMap<>();

    private WorkerList() {}

    /**
     * Reads the configuration.
     *
     * @throws InvalidConfigurationException if a URL or an id is no good, or an id appears twice
     */
    static WorkerList of(TandemProperties properties) {
        WorkerList list = new WorkerList();
        properties.workers().forEach(list::add);
        list.addAll(properties.prefillUrls(), Role.PREFILL, properties.disagg().prefillKvPort());
        list.addAll(properties.decodeUrls(), Role.DECODE, properties.disagg().decodeKvPort());
        list.addAll(properties.unifiedUrls(), Role.UNIFIED, NO_PORT);
        list.requireDistinctIds();
        return list;
    }

    /** Returns the workers in the order of the configuration. */
    List<Worker> workers() {
        return List.copyOf(workers);
    }

    /** Returns the API key of a worker, or null. */
    @Nullable
    String key(Worker worker) {
        return keys.get(worker.id());
    }

    /** Returns the name of the connector that the worker has of its own, or null. */
    @Nullable
    String connector(Worker worker) {
        return connectors.get(worker.id());
    }

    /** Returns where other engines reach the worker's KV cache, or null. */
    @Nullable
    KvAddress kvAddress(Worker worker) {
        return kvAddresses.get(worker.id());
    }

    /** Returns the group of a worker, or null. */
    @Nullable
    String group(Worker worker) {
        return groups.get(worker.id());
    }

    /** Adds what the long form says of one endpoint: a worker, or one for each rank. */
    private void add(WorkerProperties properties) {
        Worker endpoint = endpoint(properties.id(), properties.url(), properties.role());
        for (Worker worker : ranks(endpoint, properties.dataParallelSize())) {
            workers.add(worker);
            if (properties.apiKey() != null && !properties.apiKey().isEmpty()) {
                keys.put(worker.id(), properties.apiKey());
            }
            if (properties.connector() != null) {
                connectors.put(worker.id(), properties.connector());
            }
            if (properties.kv() != null) {
                kvAddresses.put(worker.id(), address(properties, properties.kv()));
            }
            if (properties.group() != null && !properties.group().isEmpty()) {
                groups.put(worker.id(), properties.group());
            }
        }
    }

    /** Returns an endpoint as the workers that it stands for. */
    static List<Worker> ranks(Worker endpoint, int dataParallelSize) {
        return dataParallelSize == 1
                ? List.of(endpoint)
                : IntStream.range(0, dataParallelSize).mapToObj(endpoint::rank).toList();
    }

    /** Engines on one host count their KV ports up from the first. Source: BentoVLLM, 2025-10-28. */
    private void addAll(List<URI> urls, Role role, int firstKvPort) {
        Map<String, Integer> onHost = new HashMap<>();
        for (int i = 0; i < urls.size(); i++) {
            String id = role.tag() + "-" + (i + 1);
            workers.add(endpoint(id, urls.get(i), role));
            if (firstKvPort != NO_PORT) {
                String host = urls.get(i).getHost();
                int port = firstKvPort + onHost.merge(host, 1, Integer::sum) - 1;
                kvAddresses.put(id, address(id, () -> KvAddress.of(host, port)));
            }
        }
    }

    private static KvAddress address(WorkerProperties worker, KvProperties kv) {
        String host = kv.host() == null || kv.host().isEmpty() ? worker.url().getHost() : kv.host();
        KvAddress.Parallel parallel =
                new KvAddress.Parallel(kv.tensorParallelSize(), kv.pipelineParallelSize(), worker.dataParallelSize());
        return address(worker.id(), () -> new KvAddress(host, kv.port(), kv.secondPort(), kv.engineId(), parallel));
    }

    private static KvAddress address(String id, Supplier<KvAddress> made) {
        try {
            return made.get();
        } catch (IllegalArgumentException e) {
            throw new InvalidConfigurationException(
                    "worker " + id + " has a KV address with " + e.getMessage(),
                    "Give an IPv4 address or a host name, and ports that exist.");
        }
    }

    private static Worker endpoint(String id, URI url, Role role) {
        String scheme = url.getScheme();
        boolean plainBase = url.getPath() == null
                || url.getPath().isEmpty()
                || url.getPath().equals("/");
        if (!("http".equals(scheme) || "https".equals(scheme)) || url.getHost() == null || !plainBase) {
            throw new InvalidConfigurationException(
                    "worker " + id + " has the URL " + url + " (expected: http://host:port, without a path)",
                    "Correct the URL; the gateway adds the path of each API itself.");
        }
        try {
            return new Worker(id, URI.create(scheme + "://" + url.getRawAuthority()), role);
        } catch (IllegalArgumentException e) {
            throw new InvalidConfigurationException(
                    "tandem.workers: " + e.getMessage(), "Use lower-case letters, digits and hyphens.");
        }
    }

    private void requireDistinctIds() {
        Set<String> seen = new HashSet<>();
        for (Worker worker : workers) {
            if (!seen.add(worker.id())) {
                throw new InvalidConfigurationException(
                        "two workers have the id " + worker.id(), "Give each worker an id of its own.");
            }
        }
    }
}
