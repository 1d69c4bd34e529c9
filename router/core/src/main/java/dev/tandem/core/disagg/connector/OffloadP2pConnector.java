// SPDX-License-Identifier: Apache-2.0
package dev.tandem.core.disagg.connector;

import dev.tandem.core.disagg.Exchange;
import dev.tandem.core.disagg.Handover;
import dev.tandem.core.disagg.KvConnector;
import dev.tandem.core.disagg.Leg;
import dev.tandem.core.disagg.Pairing;
import dev.tandem.core.fleet.EngineFacts;
import dev.tandem.core.fleet.KvAddress;
import dev.tandem.core.fleet.Role;
import dev.tandem.core.request.ApiKind;
import java.time.Duration;
import org.jspecify.annotations.Nullable;

/**
 * The {@code p2p} tier of vLLM's {@code OffloadingConnector}: the decode worker fetches blocks out of the prefill
 * worker's CPU memory. Immutable.
 *
 * <p>PAIRED binds the two requests by an id: legs run side by side, and the decode worker takes it that the prefill
 * worker will have every block. PULL binds nothing: after prefill, the decode worker looks up and fetches whatever the
 * other engine holds by then. Both engines need the same {@code PYTHONHASHSEED}. Blocks that nobody asks for are
 * dropped after 60 s. Source: vLLM main of 2026-08-17, vllm-project/vllm#42285, #48021.
 */
public final class OffloadP2pConnector implements KvConnector {
    private static final Duration HELD = Duration.ofMinutes(1);

    private static final Releases RELEASES = Releases.from(25, "p2p tier of the OffloadingConnector");

    private final Form form;

    /** How the decode worker asks. */
    public enum Form {
        /** For the blocks of a request that the prefill worker computes for it. */
        PAIRED,
        /** For whatever the prefill worker holds. */
        PULL
    }

    /** Makes a connector of that form. */
    public OffloadP2pConnector(Form form) {
        this.form = form;
    }

    @Override
    public String name() {
        return switch (form) {
            case PAIRED -> "offload-p2p";
            case PULL -> "offload-pull";
        };
    }

    @Override
    public boolean handsOver(ApiKind api) {
        return api.generative();
    }

    @Override
    public @Nullable String lacks(Role role, EngineFacts facts) {
        String lack = RELEASES.lacking(facts);
        return lack != null || role != Role.PREFILL ? lack : Addresses.lacking(facts);
    }

    @Override
    public Exchange plan(Pairing pairing) {
        KvAddress kv = Addresses.of(pairing.prefill());
        KvParams id = KvParams.empty().with("kv_request_id", pairing.token());
        KvParams source = id.with("remote_host", kv.host()).with("remote_port", Addresses.portOf(pairing.prefill()));
        Leg prefill = ComputeOnly.leg(pairing);
        Leg decode = whole(pairing.decode(), pairing.api());
        return switch (form) {
            case PAIRED ->
                new Exchange.Parallel(
                        prefill.with(KvParams.empty().with("remote_decoder", id).put()),
                        ComputeOnly.withoutPrompt(decode)
                                .with(KvParams.empty()
                                        .with("remote_prefiller", source)
                                        .put()));
            case PULL ->
                new Exchange.Sequential(
                        prefill,
                        new Handover.ByContent(),
                        decode.with(KvParams.empty()
                                .with("remote_kv_source", source)
                                .put()));
        };
    }

    @Override
    public boolean needsEqualVersions() {
        return true;
    }

    @Override
    public WhenAbandoned whenAbandoned() {
        return switch (form) {
            case PAIRED -> WhenAbandoned.EXPIRES;
            case PULL -> WhenAbandoned.NOTHING_STAYS;
        };
    }

    @Override
    public Duration heldFor(EngineFacts prefill) {
        return switch (form) {
            case PAIRED -> HELD;
            case PULL -> Duration.ZERO;
        };
    }

    /** Tiers keep whole chunks of several blocks. */
    @Override
    public int tailTokens() {
        return 256;
    }

    @Override
    public AfterPrefillFailure afterPrefillFailure() {
        return switch (form) {
            case PAIRED -> AfterPrefillFailure.ROUTE_AGAIN;
            case PULL -> AfterPrefillFailure.DECODE_ALONE;
        };
    }
}
