// SPDX-License-Identifier: Apache-2.0
package dev.tandem.gateway.ops;

import dev.tandem.core.fleet.FleetSnapshot;
import dev.tandem.core.fleet.WorkerPair;
import dev.tandem.core.fleet.WorkerStatus;
import dev.tandem.core.health.ConcurrencyLimit;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import java.util.TreeSet;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.ObjectNode;

/** The health of the gateway at one moment. Immutable; shows ids of workers, never addresses. */
record HealthReport(String version, boolean simulated, List<WorkerStatus> workers, FleetSnapshot pairs) {
    private static final JsonMapper JSON = JsonMapper.shared();

    /** Copies the list. */
    HealthReport {
        workers = List.copyOf(workers);
    }

    /** Whether at least one worker gets requests. */
    boolean serving() {
        return workers.stream().anyMatch(HealthReport::up);
    }

    /**
     * Returns {@code ok} when all workers and pairs get requests, {@code degraded} when some do, {@code down} when no
     * worker does.
     */
    String status() {
        if (!serving()) {
            return "down";
        }
        return pairs.quarantined().isEmpty()
                        && pairs.ejected().isEmpty()
                        && workers.stream().allMatch(HealthReport::up)
                ? "ok"
                : "degraded";
    }

    /** Returns the report as JSON. */
    String json() {
        ObjectNode root = JSON.createObjectNode()
                .put("status", status())
                .put("version", version)
                .put("simulated", simulated);
        ArrayNode list = root.putArray("workers");
        workers.forEach(worker -> show(worker, list.addObject()));
        show("quarantined_pairs", pairs.quarantined(), root);
        show("ejected_pairs", pairs.ejected(), root);
        return root.toString();
    }

    private static void show(String name, Set<WorkerPair> pairs, ObjectNode to) {
        if (!pairs.isEmpty()) {
            ArrayNode list = to.putArray(name);
            pairs.stream()
                    .map(pair -> pair.prefill() + ">" + pair.decode())
                    .sorted()
                    .forEach(list::add);
        }
    }

    private static void show(WorkerStatus status, ObjectNode to) {
        to.put("id", status.worker().id())
                .put("role", status.worker().role().tag())
                .put("state", status.state().name().toLowerCase(Locale.ROOT))
                .put("reason", status.reason());
        if (status.facts().connector() != null) {
            to.put("connector", status.facts().connector());
        }
        if (status.facts().version() != null) {
            to.put("engine_version", status.facts().version().text());
        }
        ArrayNode models = to.putArray("models");
        new TreeSet<>(status.models()).forEach(models::add);
        to.put("in_flight", status.inFlight());
        if (status.limit() != ConcurrencyLimit.NONE) {
            to.put("limit", status.limit());
        }
        to.put("pending_tokens", status.pendingTokens());
    }

    private static boolean up(WorkerStatus status) {
        return status.state().serving();
    }
}
