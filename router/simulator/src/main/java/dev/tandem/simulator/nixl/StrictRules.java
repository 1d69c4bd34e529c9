// SPDX-License-Identifier: Apache-2.0
package dev.tandem.simulator.nixl;

import dev.tandem.simulator.strict.DecodeShape;
import dev.tandem.simulator.strict.LegRules;
import dev.tandem.simulator.strict.PrefillShape;
import dev.tandem.simulator.transfer.KvRole;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ObjectNode;

/**
 * What a correct router never sends to an engine, seen in the body alone. A violation is a sentence for the person who
 * writes the router.
 */
public final class StrictRules {
    private static final String ON_DECODE_ENGINE =
            "kv_transfer_params.do_remote_decode: true on a decode engine (kv_role kv_consumer)";
    private static final String WHOLE_TURN = ": missing (expected: the whole object of the last turn's decode answer)";
    private static final String ON_PREFILL_ENGINE =
            "kv_transfer_params.do_remote_prefill: true on a prefill engine (kv_role kv_producer)";

    private StrictRules() {}

    /**
     * Returns what is wrong with the hand-over part of a body for an engine without this connector; null if nothing.
     */
    public static @Nullable String withoutConnector(ObjectNode body) {
        if (!(body.get("kv_transfer_params") instanceof ObjectNode params)) {
            return null;
        }
        return Stream.concat(Params.ASKED.stream(), Params.ANSWERED.stream())
                .filter(params::has)
                .sorted()
                .findFirst()
                .map(key -> "kv_transfer_params." + key + ": this engine has no NIXL connector")
                .orElse(null);
    }

    /** Returns what is wrong with the hand-over part of a body; null if nothing. */
    static @Nullable String violation(ObjectNode body, NixlConfig config) {
        if (!(body.get("kv_transfer_params") instanceof ObjectNode params)) {
            return null;
        }
        String leg = whichLeg(body, params);
        if (leg != null) {
            return leg;
        }
        if (!Params.isSet(params, Params.REMOTE_DECODE)) {
            return decodeViolation(body, params, config.role());
        }
        boolean reads = config.turns() != null && params.hasNonNull(Params.BLOCKS);
        return reads ? readingViolation(body, params, config.role()) : prefillViolation(body, params, config.role());
    }

    /** Returns what is wrong with the hand-over part of a body where the prefill engine pushes; null if nothing. */
    static @Nullable String pushViolation(ObjectNode body, KvRole role) {
        if (!(body.get("kv_transfer_params") instanceof ObjectNode params)) {
            return null;
        }
        String leg = whichLeg(body, params);
        if (leg != null) {
            return leg;
        }
        return Params.isSet(params, Params.REMOTE_DECODE)
                ? prefillViolation(body, params, role)
                : pushedViolation(body, params, role);
    }

    private static @Nullable String whichLeg(ObjectNode body, ObjectNode params) {
        boolean prefill = Params.isSet(params, Params.REMOTE_DECODE);
        boolean decode = Params.isSet(params, Params.REMOTE_PREFILL);
        return prefill == decode
                ? "kv_transfer_params: " + (prefill ? "both" : "neither") + " of do_remote_decode and"
                        + " do_remote_prefill is true (expected: one)"
                : LegRules.promptList(body);
    }

    private static boolean tokensOfChat(ObjectNode body, JsonNode ids) {
        return body.has("messages")
                && ids.isArray()
                && !ids.isEmpty()
                && ids.valueStream().allMatch(JsonNode::isIntegralNumber);
    }

    /** A prefill leg that reads what a decode engine has kept of the last turn. */
    private static @Nullable String readingViolation(ObjectNode body, ObjectNode params, KvRole role) {
        if (role == KvRole.CONSUMER) {
            return ON_DECODE_ENGINE;
        }
        String unknown = LegRules.unknownKey(params, Params.ANSWERED);
        String missing = Params.missing(params);
        if (unknown != null || missing != null) {
            return unknown != null ? unknown : "kv_transfer_params." + missing + WHOLE_TURN;
        }
        if (Params.blocks(params) == null || !params.path(Params.TOKENS).isIntegralNumber()) {
            return "kv_transfer_params.remote_block_ids or .remote_num_tokens" + WHOLE_TURN;
        }
        return PrefillShape.violation(body);
    }

    private static @Nullable String prefillViolation(ObjectNode body, ObjectNode params, KvRole role) {
        if (role == KvRole.CONSUMER) {
            return ON_DECODE_ENGINE;
        }
        String unknown = LegRules.unknownKey(params, Params.ASKED);
        if (unknown != null) {
            return unknown;
        }
        for (String key : Params.ASKED) {
            if (key.startsWith("remote_")
                    && !params.path(key).isMissingNode()
                    && !params.path(key).isNull()) {
                return "kv_transfer_params." + key + ": " + params.get(key) + " (expected: null on a prefill leg)";
            }
        }
        return PrefillShape.violation(body);
    }

    private static @Nullable String pushedViolation(ObjectNode body, ObjectNode params, KvRole role) {
        if (role == KvRole.PRODUCER) {
            return ON_PREFILL_ENGINE;
        }
        String unknown = LegRules.unknownKey(params, Params.PUSHED);
        if (unknown != null) {
            return unknown;
        }
        String missing = LegRules.missing(params, Params.PUSHED);
        if (missing != null) {
            return "kv_transfer_params." + missing
                    + ": missing (expected: what the router knows of the prefill engine)";
        }
        return DecodeShape.violation(body, "a decode leg that is pushed to");
    }

    private static @Nullable String decodeViolation(ObjectNode body, ObjectNode params, KvRole role) {
        if (role == KvRole.PRODUCER) {
            return ON_PREFILL_ENGINE;
        }
        if (params.has(Params.PROMPT) && !tokensOfChat(body, params.path(Params.PROMPT))) {
            return "kv_transfer_params.prompt_token_ids: " + params.path(Params.PROMPT)
                    + " (expected: token ids, and only for a chat)";
        }
        String unknown = LegRules.unknownKey(Params.ofConnector(params), Params.ANSWERED);
        if (unknown != null) {
            return unknown;
        }
        String missing = Params.missing(params);
        if (missing != null) {
            return "kv_transfer_params." + missing + ": missing (expected: the whole object of the prefill answer)";
        }
        if (Params.blocks(params) == null) {
            return "kv_transfer_params.remote_block_ids: " + params.path(Params.BLOCKS)
                    + " (expected: a list with one list of block ids)";
        }
        return DecodeShape.violation(body);
    }
}
