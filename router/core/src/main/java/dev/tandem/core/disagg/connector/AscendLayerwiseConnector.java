// SPDX-License-Identifier: Apache-2.0
package dev.tandem.core.disagg.connector;

import dev.tandem.core.disagg.Exchange;
import dev.tandem.core.disagg.KvConnector;
import dev.tandem.core.disagg.Pairing;
import dev.tandem.core.request.ApiKind;
import java.time.Duration;
import java.util.Set;

/**
 * vllm-ascend's layerwise connector: decode comes first, and when it has room it calls the gateway back with what the
 * prefill worker needs to write each layer into its memory. Immutable.
 *
 * <p>The decode worker ignores the status of the answer to its call and waits without bound, so a prefill worker that
 * fails cancels it. One that is short of memory gives a request up and says so in {@code stop_reason}. Source:
 * vllm-ascend {@code examples/disaggregated_prefill_v1}, 2026-08-22.
 */
public final class AscendLayerwiseConnector implements KvConnector {
    private static final Duration WITHIN = Duration.ofMinutes(1);

    @Override
    public String name() {
        return "ascend-layerwise";
    }

    @Override
    public boolean handsOver(ApiKind api) {
        return api == ApiKind.COMPLETIONS || api == ApiKind.CHAT;
    }

    @Override
    public Set<Need> needs() {
        return Set.of(Need.METASERVER);
    }

    @Override
    public Exchange plan(Pairing pairing) {
        KvParams params = KvParams.decode().with("metaserver", pairing.callbackUrl());
        return new Exchange.CalledBack(
                ComputeOnly.withoutPrompt(whole(pairing.decode(), pairing.api()))
                        .named(pairing.token())
                        .with(params.put()),
                new Exchange.Callback(pairing.token(), KvParams.FIELD, WITHIN),
                ComputeOnly.endedByItsLimit(pairing).named(pairing.token()));
    }

    @Override
    public AfterPrefillFailure afterPrefillFailure() {
        return AfterPrefillFailure.ROUTE_AGAIN;
    }

    @Override
    public boolean mayGiveUp() {
        return true;
    }
}
