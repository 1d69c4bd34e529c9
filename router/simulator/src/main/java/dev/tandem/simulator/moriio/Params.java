// SPDX-License-Identifier: Apache-2.0
package dev.tandem.simulator.moriio;

import dev.tandem.simulator.text.ContentHash;
import dev.tandem.simulator.wire.Json;
import java.util.List;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ObjectNode;

/** Names and shapes in {@code kv_transfer_params}, after vLLM's source of 2026-08. */
final class Params {
    static final String REMOTE_PREFILL = "do_remote_prefill";
    static final String REMOTE_DECODE = "do_remote_decode";
    static final String TRANSFER = "transfer_id";
    static final String BLOCKS = "remote_block_ids";
    static final String ENGINE = "remote_engine_id";
    static final String HOST = "remote_host";
    static final String HANDSHAKE = "remote_handshake_port";
    static final String NOTIFY = "remote_notify_port";
    static final String DP_SIZE = "remote_dp_size";
    static final String TP_SIZE = "remote_tp_size";
    static final String DP_RANK = "remote_dp_rank";

    private Params() {}

    static boolean isSet(ObjectNode params, String flag) {
        return params.path(flag).asBoolean(false);
    }

    /** Returns the block ids; empty if they are none. */
    static List<Integer> blocks(ObjectNode params) {
        JsonNode ids = params.path(BLOCKS);
        return ids.isArray() && ids.valueStream().allMatch(JsonNode::isIntegralNumber)
                ? ids.valueStream().map(JsonNode::asInt).toList()
                : List.of();
    }

    /** Returns a number that stands for what a decode engine reads. */
    static long digest(ObjectNode params) {
        return ContentHash.of(Json.text(params.path(BLOCKS)) + Json.text(params.path(ENGINE)));
    }
}
