// SPDX-License-Identifier: Apache-2.0
package dev.tandem.simulator.nixl;

import dev.tandem.simulator.engine.Handover;
import dev.tandem.simulator.text.ContentHash;
import dev.tandem.simulator.wire.Json;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.ObjectNode;

/** Names and shapes in {@code kv_transfer_params}, as recorded with vLLM 0.32.0 on 2026-11-21. */
final class Params {
    static final String REMOTE_PREFILL = "do_remote_prefill";
    static final String REMOTE_DECODE = "do_remote_decode";
    static final String BLOCKS = "remote_block_ids";
    static final String ENGINE = "remote_engine_id";
    static final String REQUEST = "remote_request_id";
    static final String HOST = "remote_host";
    static final String PORT = "remote_port";
    static final String TOKENS = "remote_num_tokens";
    static final String CACHED = "remote_prefill_cached_tokens";

    /** Key that a router adds on leg D of a chat; the engine takes it out before the connector sees it. */
    static final String PROMPT = "prompt_token_ids";

    /** Keys whose absence on leg D lets vLLM 0.32.0 warn first and die later. */
    static final List<String> NEEDED = List.of(ENGINE, REQUEST, HOST, PORT);

    /** Keys that a router sends on leg P; those of the other engine are null. */
    static final Set<String> ASKED = Set.of(REMOTE_DECODE, REMOTE_PREFILL, ENGINE, BLOCKS, HOST, PORT);

    /** Keys of a prefill answer, all of which a router passes on. */
    static final Set<String> ANSWERED = Set.of(
            REMOTE_PREFILL,
            REMOTE_DECODE,
            BLOCKS,
            ENGINE,
            REQUEST,
            HOST,
            PORT,
            "tp_size",
            "dcp_size",
            "pp_size",
            TOKENS,
            "remote_blocks_expiry_time",
            "transfer_mode",
            CACHED);

    /** Keys on leg D that vLLM reads without a check where the prefill engine pushes. */
    static final List<String> READ_BY_PUSH = List.of(ENGINE, HOST, PORT, "tp_size");

    /** Keys that a router sends on leg D where the prefill engine pushes. */
    static final Set<String> PUSHED =
            Set.of(REMOTE_PREFILL, REMOTE_DECODE, ENGINE, HOST, PORT, "tp_size", "pp_size", REQUEST);

    private Params() {}

    /** Returns true for a flag that is set. */
    static boolean isSet(ObjectNode params, String flag) {
        return params.path(flag).asBoolean(false);
    }

    /** Returns the first of {@link #NEEDED} that is missing, or null. */
    static @Nullable String missing(ObjectNode params) {
        return NEEDED.stream()
                .filter(key ->
                        params.path(key).isMissingNode() || params.path(key).isNull())
                .findFirst()
                .orElse(null);
    }

    /** Returns the block ids: one list for the only KV cache group; null if they have another shape or are none. */
    static @Nullable List<Integer> blocks(ObjectNode params) {
        JsonNode group = params.path(BLOCKS).path(0);
        if (!group.isArray() || group.isEmpty()) {
            return null;
        }
        List<Integer> ids = new ArrayList<>();
        for (JsonNode id : group) {
            if (!id.isIntegralNumber()) {
                return null;
            }
            ids.add(id.asInt());
        }
        return ids;
    }

    /** Returns what a prefill answer says about the blocks that its engine keeps under a name. */
    static ObjectNode answered(NixlConfig config, String engineId, String name, Handover.Kept kept) {
        ObjectNode params =
                kept(Json.object().put(REMOTE_PREFILL, true).put(REMOTE_DECODE, false), config, engineId, name, kept);
        if (kept.generatedTokens() == 1) {
            params.put(CACHED, kept.cachedTokens());
        }
        return params;
    }

    /**
     * Returns what a decode answer says about the blocks that its engine keeps for the next turn. When they expire, it
     * says by the clock of its own process. Recorded with vLLM 0.32.0 on 2026-11-22.
     */
    static ObjectNode ofTurn(NixlConfig config, String engineId, String name, Handover.Kept kept, Duration life) {
        ObjectNode params =
                kept(Json.object().put(REMOTE_PREFILL, false).put(REMOTE_DECODE, true), config, engineId, name, kept);
        return params.put("remote_blocks_expiry_time", (System.nanoTime() + life.toNanos()) / 1e9);
    }

    private static ObjectNode kept(
            ObjectNode params, NixlConfig config, String engineId, String name, Handover.Kept kept) {
        ArrayNode group = params.putArray(BLOCKS).addArray();
        kept.blocks().forEach(group::add);
        params.put(ENGINE, engineId).put(REQUEST, name).put(HOST, config.host()).put(PORT, config.port());
        params.put("tp_size", 1).put("dcp_size", 1).put("pp_size", 1);
        params.put(TOKENS, kept.computedTokens())
                .putNull("remote_blocks_expiry_time")
                .put("transfer_mode", config.mode().wireName());
        return params;
    }

    /** Whether a prefill leg names blocks of a decode engine, which it is to read first. */
    static boolean namesTurn(ObjectNode params) {
        return isSet(params, REMOTE_DECODE) && !params.path(BLOCKS).isEmpty() && missing(params) == null;
    }

    /** Returns parameters without what is for the engine's renderer. */
    static ObjectNode ofConnector(ObjectNode params) {
        return params.has(PROMPT) ? params.deepCopy().without(PROMPT) : params;
    }

    /** Returns a number that stands for the whole object: its keys, their order and their values. */
    static long digest(ObjectNode params) {
        return ContentHash.of(Json.text(ofConnector(params)));
    }
}
