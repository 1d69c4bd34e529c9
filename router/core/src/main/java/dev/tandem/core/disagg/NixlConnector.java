// SPDX-License-Identifier: Apache-2.0
package dev.tandem.core.disagg;

import dev.tandem.core.disagg.BodyEdits.Edit.Put;
import dev.tandem.core.request.ApiKind;
import java.util.List;

/**
 * vLLM's {@code NixlConnector}: the prefill worker keeps the blocks and says where they lie, the decode worker pulls
 * them. Immutable.
 *
 * <p>The prefill answer's {@code kv_transfer_params} go to the decode leg as they came: their keys differ between
 * versions, block ids are flat or nested lists, and {@code remote_prefill_cached_tokens} makes the decode worker's
 * usage right. An object that lacks one of the required keys ends the engine of vLLM 0.32, and one that was used before
 * may name the blocks of another prompt, so an attempt uses it once or not at all. Source: vLLM 0.32.0, recorded
 * 2026-11-21; CVE-2026-94622.
 */
final class NixlConnector implements KvConnector {
    private static final String PARAMS = "kv_transfer_params";

    private static final Put ASK = new Put(
            PARAMS,
            "{\"do_remote_decode\":true,\"do_remote_prefill\":false,\"remote_engine_id\":null,"
                    + "\"remote_block_ids\":null,\"remote_host\":null,\"remote_port\":null}");

    private static final Handover HANDOVER = new Handover.Carried(
            PARAMS,
            List.of(
                    "do_remote_prefill",
                    "remote_engine_id",
                    "remote_block_ids",
                    "remote_host",
                    "remote_port",
                    "remote_request_id"));

    @Override
    public String name() {
        return "nixl";
    }

    @Override
    public boolean handsOver(ApiKind api) {
        return api.generative();
    }

    @Override
    public Exchange plan(Pairing pairing) {
        Leg prefill = new Leg(
                pairing.prefill().worker(),
                pairing.api(),
                ComputeOnly.of(pairing.api()).and(ASK));
        return new Exchange.Sequential(prefill, HANDOVER, whole(pairing.decode(), pairing.api()));
    }

    @Override
    public AfterPrefillFailure afterPrefillFailure() {
        return AfterPrefillFailure.ROUTE_AGAIN;
    }
}
