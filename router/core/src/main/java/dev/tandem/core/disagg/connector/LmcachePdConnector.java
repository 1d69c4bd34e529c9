// SPDX-License-Identifier: Apache-2.0
package dev.tandem.core.disagg.connector;

import dev.tandem.core.disagg.Exchange;
import dev.tandem.core.disagg.Handover;
import dev.tandem.core.disagg.KvConnector;
import dev.tandem.core.disagg.Pairing;
import dev.tandem.core.fleet.Role;
import dev.tandem.core.request.ApiKind;

/**
 * LMCache inside both engines, with NIXL between them: the prefill engine sends chunks into the decode engine's buffer,
 * which finds them by the content of the prompt. Immutable.
 *
 * <p>The first token comes from decode, and nothing travels through the router. The decode engine's buffer has no time
 * limit: chunks stay until a request fetches them, so after prefill has answered, decode always follows. Both engines
 * need the same {@code PYTHONHASHSEED}. Source: LMCache {@code examples/disagg_prefill/1p1d}, 2025-09 to 2026-01.
 */
public final class LmcachePdConnector implements KvConnector {
    @Override
    public String name() {
        return "lmcache-pd";
    }

    @Override
    public boolean handsOver(ApiKind api) {
        return api.generative();
    }

    /** A prefill engine sends the KV cache of every prompt to a decode engine, wanted or not. */
    @Override
    public boolean servesWhole(Role role) {
        return role != Role.PREFILL;
    }

    @Override
    public Exchange plan(Pairing pairing) {
        return new Exchange.Sequential(
                ComputeOnly.leg(pairing), new Handover.Pushed(), whole(pairing.decode(), pairing.api()));
    }

    @Override
    public WhenAbandoned whenAbandoned() {
        return WhenAbandoned.DRAIN_DECODE;
    }

    @Override
    public AfterPrefillFailure afterPrefillFailure() {
        return AfterPrefillFailure.ROUTE_AGAIN;
    }
}
