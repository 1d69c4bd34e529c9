// SPDX-License-Identifier: Apache-2.0
package dev.tandem.simulator.moriio;

import dev.tandem.simulator.strict.DecodeShape;
import dev.tandem.simulator.strict.LegRules;
import dev.tandem.simulator.strict.PrefillShape;
import dev.tandem.simulator.transfer.Asked;
import dev.tandem.simulator.transfer.KvRole;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ObjectNode;

/** What a correct router never sends to an engine with this connector. Confined to one request. */
final class StrictRules {
    private static final String TRANSFER_PREFIX = "tx-";

    private static final Set<String> KNOWN = Set.of(
            Params.REMOTE_PREFILL,
            Params.REMOTE_DECODE,
            Params.TRANSFER,
            Params.BLOCKS,
            Params.ENGINE,
            Params.HOST,
            Params.HANDSHAKE,
            Params.NOTIFY,
            Params.DP_SIZE,
            Params.TP_SIZE,
            Params.DP_RANK,
            "tp_size");

    private final Asked asked;
    private final ObjectNode params;
    private final MoriioConfig config;
    private final boolean producer;

    private StrictRules(Asked asked, ObjectNode params, MoriioConfig config) {
        this.asked = asked;
        this.params = params;
        this.config = config;
        this.producer = config.role() == KvRole.PRODUCER;
    }

    /** Returns what is wrong with a request; null if nothing. A prefill engine also serves plain requests. */
    static @Nullable String violation(Asked asked, MoriioConfig config) {
        ObjectNode params = asked.params();
        if (params == null) {
            return config.role() == KvRole.PRODUCER
                    ? null
                    : "kv_transfer_params: absent (expected: a hand-over; a decode engine computes no prompt)";
        }
        return new StrictRules(asked, params, config).first();
    }

    private @Nullable String first() {
        for (String found : new String[] {flags(), keys(), address(), blocks(), sizes()}) {
            if (!found.isEmpty()) {
                return found;
            }
        }
        return producer ? PrefillShape.violation(asked.body()) : DecodeShape.violation(asked.body(), "a decode leg");
    }

    private String flags() {
        String mine = producer ? Params.REMOTE_DECODE : Params.REMOTE_PREFILL;
        String other = producer ? Params.REMOTE_PREFILL : Params.REMOTE_DECODE;
        if (!Params.isSet(params, mine) || Params.isSet(params, other)) {
            return wrong(mine, "true, and " + other + " false, on a " + (producer ? "prefill" : "decode") + " engine");
        }
        String transferId = params.path(Params.TRANSFER).asString("");
        return transferId.startsWith(TRANSFER_PREFIX) && transferId.length() > TRANSFER_PREFIX.length()
                ? ""
                : wrong(Params.TRANSFER, TRANSFER_PREFIX + " and something unique");
    }

    private String keys() {
        String unknown = LegRules.unknownKey(params, KNOWN);
        return unknown == null ? "" : unknown;
    }

    private String address() {
        String id = asked.header().apply("x-request-id");
        String prefill = id == null ? null : PeerAddress.prefill(id);
        String decode = id == null ? null : PeerAddress.decode(id);
        if (prefill == null || decode == null) {
            return PeerAddress.of(null, params) == null
                    ? "x-request-id: " + id + " (expected: ___prefill_addr_<zmq>___decode_addr_<zmq>_<32 hex digits>,"
                            + " or remote_host, remote_handshake_port and remote_notify_port in kv_transfer_params)"
                    : "";
        }
        String mine = producer ? prefill : decode;
        String peer = producer ? decode : prefill;
        if (PeerAddress.parse(peer) == null) {
            return "x-request-id: " + peer + " (expected: host:IP,handshake:PORT,notify:PORT)";
        }
        return mine.equals(config.zmqAddress())
                ? ""
                : "x-request-id: " + mine + " (expected: this engine's " + config.zmqAddress() + ")";
    }

    private String blocks() {
        if (producer) {
            return params.has(Params.BLOCKS)
                            && params.has(Params.ENGINE)
                            && isNull(Params.BLOCKS)
                            && isNull(Params.ENGINE)
                    ? ""
                    : wrong(Params.BLOCKS, "null, as remote_engine_id, on a prefill leg");
        }
        if (!config.reads()) {
            return isNull(Params.BLOCKS) && isNull(Params.ENGINE) ? "" : wrong(Params.BLOCKS, "null in WRITE mode");
        }
        return Params.blocks(params).isEmpty() || !params.path(Params.ENGINE).isString()
                ? wrong(Params.BLOCKS, "those of the prefill answer, with its remote_engine_id")
                : "";
    }

    private String sizes() {
        if (params.path(Params.DP_SIZE).asInt(0) != 1) {
            return wrong(Params.DP_SIZE, "1, that of the other engine");
        }
        int ranks = params.path(Params.TP_SIZE).asInt(0);
        if (ranks < 1 || (config.peerRanks() > 0 && ranks != config.peerRanks())) {
            return wrong(
                    Params.TP_SIZE,
                    (config.peerRanks() > 0 ? config.peerRanks() + ", " : "") + "that of the other engine");
        }
        JsonNode rank = params.path(Params.DP_RANK);
        return rank.isMissingNode() || rank.asInt(-1) == 0 ? "" : wrong(Params.DP_RANK, "0");
    }

    private boolean isNull(String key) {
        return params.path(key).isMissingNode() || params.path(key).isNull();
    }

    private String wrong(String key, String expected) {
        return "kv_transfer_params." + key + ": " + params.get(key) + " (expected: " + expected + ")";
    }
}
