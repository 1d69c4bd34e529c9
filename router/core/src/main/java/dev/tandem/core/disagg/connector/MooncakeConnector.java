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
 * vLLM's {@code MooncakeConnector}: the decode worker asks the prefill worker's bootstrap server for the blocks of a
 * transfer, and the prefill worker sends them. Immutable.
 *
 * <p>The router makes the transfer's id; the prefill answer carries nothing and is not awaited. The engine id comes
 * from the bootstrap server and changes with every restart. Roles are asserted: a leg that goes to the wrong side ends
 * the engine. What nobody fetches is held for 480 s. Source: vLLM main of 2026-08-17.
 */
public final class MooncakeConnector implements KvConnector {
    private static final Duration HELD = Duration.ofMinutes(8);

    @Override
    public String name() {
        return "mooncake";
    }

    @Override
    public boolean handsOver(ApiKind api) {
        return api.generative();
    }

    @Override
    public @Nullable String lacks(Role role, EngineFacts facts) {
        return role == Role.PREFILL ? Addresses.lackingId(facts) : null;
    }

    @Override
    public EngineIdSource engineIdSource() {
        return EngineIdSource.BOOTSTRAP_SERVER;
    }

    @Override
    public Exchange plan(Pairing pairing) {
        KvAddress kv = Addresses.of(pairing.prefill());
        String transfer = "xfer-" + pairing.token();
        KvParams decode = KvParams.decode()
                .with("remote_bootstrap_addr", "http://" + kv.hostAndPort())
                .with("remote_engine_id", Addresses.idOf(pairing.prefill()))
                .with("transfer_id", transfer);
        return new Exchange.Parallel(
                ComputeOnly.endedByItsLimit(pairing)
                        .with(KvParams.prefill().with("transfer_id", transfer).put()),
                ComputeOnly.withoutPrompt(whole(pairing.decode(), pairing.api()))
                        .with(decode.put()));
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
        return HELD;
    }

    @Override
    public AfterPrefillFailure afterPrefillFailure() {
        return AfterPrefillFailure.ROUTE_AGAIN;
    }
}
