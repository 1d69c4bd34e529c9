// SPDX-License-Identifier: Apache-2.0
package dev.tandem.core.disagg.connector;

import dev.tandem.core.disagg.Exchange;
import dev.tandem.core.disagg.Handover;
import dev.tandem.core.disagg.KvConnector;
import dev.tandem.core.disagg.Pairing;
import dev.tandem.core.request.ApiKind;

/**
 * Two plain legs over a KV store that both engines share: prefill fills it, decode finds the blocks by content.
 * Immutable.
 *
 * <p>Nothing travels through the router and nothing can be left behind, so a prefill leg that fails costs only time:
 * the decode worker computes what it does not find. Stores that are really shared: vLLM's {@code OffloadingConnector}
 * with an {@code fs} tier, its {@code ExampleConnector}, LMCache's multi-process server and remote stores; an LMCache
 * {@code local_disk} is not. Source: vLLM documentation of 2026-08-17, engines run on 2026-11-21.
 */
public final class SharedCacheConnector implements KvConnector {
    @Override
    public String name() {
        return "shared-cache";
    }

    @Override
    public boolean handsOver(ApiKind api) {
        return api.generative();
    }

    @Override
    public Exchange plan(Pairing pairing) {
        return new Exchange.Sequential(
                ComputeOnly.leg(pairing), new Handover.ByContent(), whole(pairing.decode(), pairing.api()));
    }

    /** Stores keep whole chunks; LMCache's default has 256 tokens. */
    @Override
    public int tailTokens() {
        return 256;
    }

    @Override
    public AfterPrefillFailure afterPrefillFailure() {
        return AfterPrefillFailure.DECODE_ALONE;
    }
}
