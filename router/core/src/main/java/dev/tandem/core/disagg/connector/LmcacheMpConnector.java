// SPDX-License-Identifier: Apache-2.0
package dev.tandem.core.disagg.connector;

import dev.tandem.core.disagg.Exchange;
import dev.tandem.core.disagg.Handover;
import dev.tandem.core.disagg.KvConnector;
import dev.tandem.core.disagg.Pairing;
import dev.tandem.core.request.ApiKind;
import java.time.Duration;
import java.util.Set;

/**
 * LMCache's multi-process server between both engines: the prefill engine tells the router when the blocks are stored,
 * so that decode finds the last ones, too. Immutable.
 *
 * <p>Storing is asynchronous: without the notice decode may compute the tail of the prompt again. The notice names the
 * prefill request by vLLM's own id, which holds ours; there is one for each worker rank, and none when storing failed,
 * so the wait is short. Source: LMCache {@code examples/disagg_prefill_mp}, 2026-08; LMCache#4085.
 */
public final class LmcacheMpConnector implements KvConnector {
    private static final Duration PATIENCE = Duration.ofSeconds(2);

    @Override
    public String name() {
        return "lmcache-mp";
    }

    @Override
    public boolean handsOver(ApiKind api) {
        return api.generative();
    }

    @Override
    public Set<Need> needs() {
        return Set.of(Need.TELEMETRY);
    }

    @Override
    public Exchange plan(Pairing pairing) {
        return new Exchange.Sequential(
                ComputeOnly.leg(pairing).named(pairing.token()),
                new Handover.Notified(pairing.token(), 0, PATIENCE),
                whole(pairing.decode(), pairing.api()));
    }

    /** LMCache stores whole chunks, of 256 tokens by default. */
    @Override
    public int tailTokens() {
        return 256;
    }

    @Override
    public AfterPrefillFailure afterPrefillFailure() {
        return AfterPrefillFailure.DECODE_ALONE;
    }
}
