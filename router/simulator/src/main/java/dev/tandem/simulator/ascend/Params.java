// SPDX-License-Identifier: Apache-2.0
package dev.tandem.simulator.ascend;

import dev.tandem.simulator.strict.DecodeShape;
import dev.tandem.simulator.strict.LegRules;
import dev.tandem.simulator.strict.PrefillShape;
import dev.tandem.simulator.transfer.KvRole;
import dev.tandem.simulator.transfer.Site;
import dev.tandem.simulator.wire.Json;
import java.util.List;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.ObjectNode;

/** Names and shapes in the layer-wise connector's {@code kv_transfer_params}. */
final class Params {
    static final String REMOTE_PREFILL = "do_remote_prefill";
    static final String REMOTE_DECODE = "do_remote_decode";
    static final String METASERVER = "metaserver";
    static final String REQUEST = "request_id";
    static final String ENGINE = "remote_engine_id";
    static final String HOST = "remote_host";
    static final String PORT = "remote_port";

    /** Keys without which a prefill engine does not know where to write. */
    static final List<String> NEEDED = List.of(REQUEST, ENGINE, HOST, PORT);

    private static final Set<String> ASKED = Set.of(REMOTE_PREFILL, REMOTE_DECODE, METASERVER);
    private static final Set<String> CALLED_BACK = Set.of(
            "token_ids",
            REQUEST,
            REMOTE_PREFILL,
            REMOTE_DECODE,
            "remote_block_ids",
            "remote_block_size",
            ENGINE,
            HOST,
            PORT,
            "remote_tp_size",
            "remote_pcp_size",
            "remote_dcp_size",
            "remote_cached_tokens");

    private Params() {}

    /** Returns with what a decode engine calls back. */
    static ObjectNode calledBack(LayerwiseConfig config, Site site, String request, int blocks, int cached) {
        ObjectNode params = Json.object();
        params.putArray("token_ids");
        params.put(REQUEST, request).put(REMOTE_PREFILL, false).put(REMOTE_DECODE, true);
        ArrayNode group = params.putArray("remote_block_ids").addArray();
        for (int i = 1; i <= blocks; i++) {
            group.add(i);
        }
        return params.put("remote_block_size", site.engine().shape().blockSize())
                .put(ENGINE, site.engineId())
                .put(HOST, config.host())
                .put(PORT, config.port())
                .put("remote_tp_size", 1)
                .put("remote_pcp_size", 1)
                .put("remote_dcp_size", 1)
                .put("remote_cached_tokens", cached);
    }

    /** Returns what a correct router never sends; null for nothing. */
    static @Nullable String violation(ObjectNode body, ObjectNode params, KvRole role) {
        boolean prefill = params.path(REMOTE_DECODE).asBoolean(false);
        boolean decode = params.path(REMOTE_PREFILL).asBoolean(false);
        if (prefill == decode) {
            return "kv_transfer_params: " + (prefill ? "both" : "neither") + " of do_remote_decode and"
                    + " do_remote_prefill is true (expected: one)";
        }
        String list = LegRules.promptList(body);
        if (list != null) {
            return list;
        }
        return prefill ? prefillViolation(body, params, role) : decodeViolation(body, params, role);
    }

    private static @Nullable String prefillViolation(ObjectNode body, ObjectNode params, KvRole role) {
        if (role == KvRole.CONSUMER) {
            return "kv_transfer_params.do_remote_decode: true on a decode engine (kv_role kv_consumer)";
        }
        String unknown = LegRules.unknownKey(params, CALLED_BACK);
        if (unknown != null) {
            return unknown;
        }
        String missing = LegRules.missing(params, CALLED_BACK);
        return missing == null
                ? PrefillShape.violation(body)
                : "kv_transfer_params." + missing + ": missing (expected: the whole object of the callback)";
    }

    private static @Nullable String decodeViolation(ObjectNode body, ObjectNode params, KvRole role) {
        if (role == KvRole.PRODUCER) {
            return "kv_transfer_params.do_remote_prefill: true on a prefill engine (kv_role kv_producer)";
        }
        String unknown = LegRules.unknownKey(params, ASKED);
        if (unknown != null) {
            return unknown;
        }
        return params.path(METASERVER).asString("").startsWith("http")
                ? DecodeShape.violation(body)
                : "kv_transfer_params.metaserver: " + params.get(METASERVER) + " (expected: a URL of the router)";
    }
}
