// SPDX-License-Identifier: Apache-2.0
package dev.tandem.simulator.mooncake;

import dev.tandem.simulator.strict.DecodeShape;
import dev.tandem.simulator.strict.LegRules;
import dev.tandem.simulator.strict.PrefillShape;
import dev.tandem.simulator.transfer.KvRole;
import java.util.List;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.node.ObjectNode;

/** What a correct router never sends to an engine with Mooncake; a violation is a sentence for who writes it. */
final class StrictRules {
    static final String REMOTE_PREFILL = "do_remote_prefill";
    static final String REMOTE_DECODE = "do_remote_decode";
    static final String TRANSFER = "transfer_id";
    static final String ENGINE = "remote_engine_id";
    static final String BOOTSTRAP = "remote_bootstrap_addr";

    /** Keys without which a decode leg fetches nothing. */
    static final List<String> NEEDED = List.of(ENGINE, BOOTSTRAP, TRANSFER);

    private static final Set<String> ON_PREFILL = Set.of(REMOTE_PREFILL, REMOTE_DECODE, TRANSFER);
    private static final Set<String> ON_DECODE = Set.of(REMOTE_PREFILL, REMOTE_DECODE, TRANSFER, ENGINE, BOOTSTRAP);

    private StrictRules() {}

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
        return prefill ? prefill(body, params, role) : decode(body, params, role);
    }

    private static @Nullable String prefill(ObjectNode body, ObjectNode params, KvRole role) {
        if (role == KvRole.CONSUMER) {
            return "kv_transfer_params.do_remote_decode: true on a decode engine (kv_role kv_consumer)";
        }
        String unknown = LegRules.unknownKey(params, ON_PREFILL);
        if (unknown != null) {
            return unknown;
        }
        return params.hasNonNull(TRANSFER)
                ? PrefillShape.violation(body)
                : "kv_transfer_params.transfer_id: missing (expected: the same id on both legs)";
    }

    private static @Nullable String decode(ObjectNode body, ObjectNode params, KvRole role) {
        if (role == KvRole.PRODUCER) {
            return "kv_transfer_params.do_remote_prefill: true on a prefill engine (kv_role kv_producer)";
        }
        String unknown = LegRules.unknownKey(params, ON_DECODE);
        if (unknown != null) {
            return unknown;
        }
        String missing = LegRules.missing(params, NEEDED);
        if (missing != null) {
            return "kv_transfer_params." + missing + ": missing (expected: what the bootstrap server says)";
        }
        return params.path(BOOTSTRAP).asString("").startsWith("http://")
                ? DecodeShape.violation(body, "a decode leg with one transfer_id")
                : "kv_transfer_params.remote_bootstrap_addr: " + params.get(BOOTSTRAP)
                        + " (expected: http://HOST:PORT)";
    }
}
