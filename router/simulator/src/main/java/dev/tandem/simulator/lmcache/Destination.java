// SPDX-License-Identifier: Apache-2.0
package dev.tandem.simulator.lmcache;

import java.net.InetSocketAddress;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ObjectNode;

/**
 * Where the KV of one request goes ({@code disagg_spec}). Immutable.
 *
 * @param requestId Id under which the router is told; null for a push of which nobody is told.
 * @param host Address of the receiver.
 * @param port Port of its first worker.
 * @param ranks Number of its workers.
 */
record Destination(@Nullable String requestId, String host, int port, int ranks) {
    static final String SPEC = "disagg_spec";

    private static final Set<String> KEYS =
            Set.of("req_id", "receiver_host", "receiver_init_port", "receiver_alloc_port");

    /** Returns where the parameters of a request want its KV; null if they do not say. */
    static @Nullable Destination of(@Nullable ObjectNode params) {
        if (params == null || !(params.get(SPEC) instanceof ObjectNode spec)) {
            return null;
        }
        JsonNode ports = spec.path("receiver_init_port");
        return new Destination(
                spec.path("req_id").asString(""),
                spec.path("receiver_host").asString(""),
                Math.clamp(ports.path(0).asInt(0), 0, 65_535),
                ports.size());
    }

    /** Returns what is wrong with a {@code disagg_spec}; null if nothing. */
    static @Nullable String violation(JsonNode spec) {
        if (!(spec instanceof ObjectNode fields)
                || !Set.copyOf(fields.propertyNames()).equals(KEYS)) {
            return "kv_transfer_params.disagg_spec: " + spec + " (expected: an object with "
                    + String.join(", ", KEYS.stream().sorted().toList()) + ")";
        }
        if (!fields.path("req_id").isString()
                || fields.path("req_id").asString("").isEmpty()) {
            return "kv_transfer_params.disagg_spec.req_id: " + fields.get("req_id") + " (expected: a text)";
        }
        if (!fields.path("receiver_host").isString()) {
            return "kv_transfer_params.disagg_spec.receiver_host: " + fields.get("receiver_host")
                    + " (expected: a text)";
        }
        JsonNode init = fields.path("receiver_init_port");
        JsonNode alloc = fields.path("receiver_alloc_port");
        return arePorts(init) && arePorts(alloc) && init.size() == alloc.size()
                ? null
                : "kv_transfer_params.disagg_spec: receiver_init_port " + init + " and receiver_alloc_port " + alloc
                        + " (expected: lists of ports, equally long)";
    }

    /** Returns the address of the receiver. */
    InetSocketAddress address() {
        return new InetSocketAddress(host, port);
    }

    private static boolean arePorts(JsonNode ports) {
        return ports.isArray() && !ports.isEmpty() && ports.valueStream().allMatch(JsonNode::isIntegralNumber);
    }
}
