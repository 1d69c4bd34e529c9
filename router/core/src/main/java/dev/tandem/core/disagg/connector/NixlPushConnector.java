// SPDX-License-Identifier: Apache-2.0
package dev.tandem.core.disagg.connector;

import dev.tandem.core.disagg.Exchange;
import dev.tandem.core.disagg.KvConnector;
import dev.tandem.core.disagg.Pairing;
import dev.tandem.core.fleet.EngineFacts;
import dev.tandem.core.fleet.KvAddress;
import dev.tandem.core.fleet.Role;
import dev.tandem.core.request.ApiKind;
import java.time.Duration;
import org.jspecify.annotations.Nullable;

/**
 * vLLM's {@code NixlPushConnector}: the decode worker registers at the prefill worker, which writes the blocks into its
 * memory. Immutable.
 *
 * <p>The engines match the legs by their request id, so both carry the same; everything else the decode worker must be
 * told beforehand, and a missing key ends its engine. Legs run side by side. A decode worker waits without bound for a
 * prefill worker that has failed, so it is cancelled with it. Source: vllm-project/vllm#35264 (2026-06-12), #45880.
 */
public final class NixlPushConnector implements KvConnector {
    private static final Releases RELEASES = Releases.from(24, "NixlPushConnector");

    @Override
    public String name() {
        return "nixl-push";
    }

    @Override
    public boolean handsOver(ApiKind api) {
        return api.generative();
    }

    @Override
    public @Nullable String lacks(Role role, EngineFacts facts) {
        String lack = RELEASES.lacking(facts);
        return lack != null || role != Role.PREFILL ? lack : Addresses.lackingId(facts);
    }

    @Override
    public EngineIdSource engineIdSource() {
        return EngineIdSource.PREFILL_ANSWER;
    }

    @Override
    public Exchange plan(Pairing pairing) {
        KvAddress kv = Addresses.of(pairing.prefill());
        KvParams params = KvParams.decode()
                .with("remote_engine_id", Addresses.idOf(pairing.prefill()))
                .with("remote_host", kv.host())
                .with("remote_port", Addresses.portOf(pairing.prefill()))
                .with("tp_size", kv.parallel().tp())
                .with("pp_size", kv.parallel().pp())
                .with("remote_request_id", pairing.token());
        return new Exchange.Parallel(
                ComputeOnly.leg(pairing).named(pairing.token()).with(NixlConnector.ASK),
                ComputeOnly.withoutPrompt(whole(pairing.decode(), pairing.api()))
                        .named(pairing.token())
                        .with(params.put()));
    }

    @Override
    public boolean needsEqualVersions() {
        return true;
    }

    @Override
    public WhenAbandoned whenAbandoned() {
        return WhenAbandoned.EXPIRES;
    }

    @Override
    public Duration heldFor(EngineFacts prefill) {
        return NixlConnector.LEASE;
    }

    @Override
    public AfterPrefillFailure afterPrefillFailure() {
        return AfterPrefillFailure.ROUTE_AGAIN;
    }
}
