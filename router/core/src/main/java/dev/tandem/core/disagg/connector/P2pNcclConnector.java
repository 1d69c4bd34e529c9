// SPDX-License-Identifier: Apache-2.0
package dev.tandem.core.disagg.connector;

import dev.tandem.core.disagg.Exchange;
import dev.tandem.core.disagg.Handover;
import dev.tandem.core.disagg.KvConnector;
import dev.tandem.core.disagg.Pairing;
import dev.tandem.core.fleet.EngineFacts;
import dev.tandem.core.fleet.EngineVersion;
import dev.tandem.core.fleet.Role;
import dev.tandem.core.request.ApiKind;
import org.jspecify.annotations.Nullable;

/**
 * vLLM's {@code P2pNcclConnector}: the prefill worker pushes the KV cache over NCCL to an address that stands in the
 * request's id. Immutable.
 *
 * <p>Both engines take the addresses out of {@code X-Request-Id}, and an id without them raises a ValueError, so no
 * engine of this kind runs a whole request. The decode worker keeps what was pushed until a request with that id has
 * run on it, without any time-out: after prefill has answered, decode always follows. Works as it is up to vLLM 0.13,
 * from about 0.16 to 0.23 only with {@code VLLM_DISABLE_REQUEST_ID_RANDOMIZATION=1} on both engines; removed in 0.24
 * (vllm-project/vllm#44854, 2026-06-08). Source: vLLM 0.11, read 2026-11-20; CVE-2026-116176.
 */
public final class P2pNcclConnector implements KvConnector {
    private static final Releases RELEASES = Releases.before(24, "P2pNcclConnector");

    @Override
    public String name() {
        return "p2p-nccl";
    }

    @Override
    public boolean handsOver(ApiKind api) {
        return api.generative();
    }

    @Override
    public boolean servesWhole(Role role) {
        return false;
    }

    @Override
    public @Nullable String lacks(Role role, EngineFacts facts) {
        String lack = RELEASES.lacking(facts);
        return lack != null ? lack : Addresses.lacking(facts);
    }

    @Override
    public @Nullable String caution(EngineFacts facts) {
        EngineVersion version = facts.version();
        return version != null && version.atLeast(0, 14)
                ? "vLLM " + version.text() + " hands over only with VLLM_DISABLE_REQUEST_ID_RANDOMIZATION=1 on both"
                        + " engines, which vLLM before 0.16 does not know; 0.13 needs nothing"
                : null;
    }

    @Override
    public Exchange plan(Pairing pairing) {
        String id = requestId(
                Addresses.of(pairing.prefill()).hostAndPort(),
                Addresses.of(pairing.decode()).hostAndPort(),
                pairing.token());
        return new Exchange.Sequential(
                ComputeOnly.leg(pairing).named(id),
                new Handover.Pushed(),
                whole(pairing.decode(), pairing.api()).named(id));
    }

    /** Returns the id out of which each engine reads the address of the other. */
    static String requestId(String prefill, String decode, String token) {
        return "___prefill_addr_" + prefill + "___decode_addr_" + decode + "_" + token;
    }

    @Override
    public boolean needsEqualVersions() {
        return true;
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
