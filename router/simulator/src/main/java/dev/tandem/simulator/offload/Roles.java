// SPDX-License-Identifier: Apache-2.0
package dev.tandem.simulator.offload;

import dev.tandem.simulator.strict.DecodeShape;
import dev.tandem.simulator.strict.LegRules;
import dev.tandem.simulator.strict.PrefillShape;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.node.ObjectNode;

/**
 * What a request is to other engines, by the keys in its {@code kv_transfer_params}. Immutable; the objects must not be
 * changed.
 *
 * @param decoder Who will fetch from here ({@code remote_decoder}); null for nobody.
 * @param prefiller Who computes for this request ({@code remote_prefiller}); null for nobody.
 * @param source Whose cache is looked up ({@code remote_kv_source}); null for nobody's.
 */
record Roles(
        @Nullable ObjectNode decoder,
        @Nullable ObjectNode prefiller,
        @Nullable ObjectNode source) {
    static final String ID = "kv_request_id";
    static final String HOST = "remote_host";
    static final String PORT = "remote_port";

    private static final String DECODER = "remote_decoder";
    private static final String PREFILLER = "remote_prefiller";
    private static final String SOURCE = "remote_kv_source";
    private static final Set<String> LOCAL_KEYS = Set.of(ID);
    private static final Set<String> REMOTE_KEYS = Set.of(ID, HOST, PORT);

    /** Reads parameters. */
    static Roles of(ObjectNode params) {
        return new Roles(object(params, DECODER), object(params, PREFILLER), object(params, SOURCE));
    }

    private static @Nullable ObjectNode object(ObjectNode params, String key) {
        return params.get(key) instanceof ObjectNode role ? role : null;
    }

    /** Returns true if the request has nothing to do with other engines. */
    boolean none() {
        return decoder == null && prefiller == null && source == null;
    }

    /** Returns what keeps an engine from taking part; null if nothing does. */
    @Nullable
    String fault() {
        if (prefiller != null && (decoder != null || source != null)) {
            return PREFILLER + ": together with another role (expected: alone)";
        }
        String missing = missing(DECODER, decoder, LOCAL_KEYS);
        missing = missing == null ? missing(PREFILLER, prefiller, REMOTE_KEYS) : missing;
        return missing == null ? missing(SOURCE, source, REMOTE_KEYS) : missing;
    }

    /** Returns what a correct router never sends; null for nothing. */
    static @Nullable String violation(ObjectNode body, ObjectNode params) {
        String unknown = LegRules.unknownKey(params, Set.of(DECODER, PREFILLER, SOURCE));
        if (unknown != null) {
            return unknown;
        }
        Roles roles = of(params);
        String fault = roles.none() ? "no role of an object" : roles.fault();
        if (fault != null) {
            return "kv_transfer_params: " + fault;
        }
        String list = LegRules.promptList(body);
        if (list != null) {
            return list;
        }
        return roles.decoder == null ? DecodeShape.violation(body) : PrefillShape.violation(body);
    }

    private static @Nullable String missing(String role, @Nullable ObjectNode peer, Set<String> keys) {
        String key = peer == null ? null : LegRules.missing(peer, keys);
        return key == null ? null : role + "." + key + ": missing";
    }
}
