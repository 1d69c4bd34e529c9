// SPDX-License-Identifier: Apache-2.0
package dev.tandem.bench.handover;

import java.io.IOException;
import java.util.List;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ObjectNode;

/** The least that a client without a proxy can do: a prefill leg, then a decode leg, each on a kept connection. */
final class ByHand implements Asker {
    static final String NIXL = "nixl";
    private static final String SHARED = "shared-cache";
    private static final String PARAMS = "kv_transfer_params";

    private final String pool;
    private final Connection first;
    private final Connection last;

    private ByHand(String pool, Connection first, Connection last) {
        this.pool = pool;
        this.first = first;
        this.last = last;
    }

    /** Returns whether this client speaks the protocol of a pool. */
    static boolean speaks(Pool pool) {
        return List.of(Pool.UNIFIED, SHARED, NIXL).contains(pool.name());
    }

    /** Makes a client of one pool, whose decode engine comes first in the list. */
    static ByHand of(String pool, List<Site> sites) {
        return new ByHand(
                pool,
                new Connection(sites.getLast().port()),
                new Connection(sites.getFirst().port()));
    }

    @Override
    public Connection.Answer ask(Ask ask) throws IOException {
        if (pool.equals(Pool.UNIFIED)) {
            return last.ask(ask.request());
        }
        ObjectNode prefill = ask.body().put("stream", false).put("max_tokens", 1);
        if (pool.equals(NIXL)) {
            prefill.putObject(PARAMS)
                    .put("do_remote_decode", true)
                    .put("do_remote_prefill", false)
                    .putNull("remote_engine_id")
                    .putNull("remote_block_ids")
                    .putNull("remote_host")
                    .putNull("remote_port");
        }
        Connection.Answer prefilled = first.ask(Ask.request(prefill));
        if (prefilled.status() != 200) {
            throw new IOException("prefill: " + prefilled.status() + " " + prefilled.body());
        }
        Connection.Answer answer = last.ask(decode(ask, prefilled));
        return new Connection.Answer(
                answer.status(), prefilled.sentNanos(), answer.firstNanos(), answer.secondNanos(), answer.body());
    }

    @Override
    public void close() {
        first.close();
        last.close();
    }

    private byte[] decode(Ask ask, Connection.Answer prefilled) {
        if (!pool.equals(NIXL)) {
            return ask.request();
        }
        JsonNode params = JsonMapper.shared().readTree(prefilled.body()).path(PARAMS);
        ObjectNode body = ask.body();
        body.set(PARAMS, params);
        return Ask.request(body);
    }
}
