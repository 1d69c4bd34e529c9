// SPDX-License-Identifier: Apache-2.0
package dev.tandem.core.disagg.connector;

import dev.tandem.core.disagg.BodyEdits.Edit.Put;
import dev.tandem.core.disagg.Exchange;
import dev.tandem.core.disagg.Handover;
import dev.tandem.core.disagg.KvConnector;
import dev.tandem.core.disagg.Leg;
import dev.tandem.core.disagg.Pairing;
import dev.tandem.core.disagg.Pairing.Shortcut;
import dev.tandem.core.fleet.EngineFacts;
import dev.tandem.core.fleet.EngineVersion;
import dev.tandem.core.fleet.KvAddress;
import dev.tandem.core.fleet.Seat;
import dev.tandem.core.request.ApiKind;
import java.time.Duration;
import java.util.List;
import java.util.Map;

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
public final class NixlConnector implements KvConnector {
    /** What a prefill worker of NIXL is asked, whoever moves the blocks. */
    static final Put ASK = KvParams.prefill()
            .without("remote_engine_id", "remote_block_ids", "remote_host", "remote_port")
            .put();

    /** Time after which a prefill worker gives up blocks that nobody fetches; vllm-project/vllm#41383. */
    static final Duration LEASE = Duration.ofSeconds(30);

    /** The same before vLLM 0.23. */
    private static final Duration OLD_HOLD = Duration.ofMinutes(8);

    /**
     * A chat whose tokens the decode worker is given is neither rendered nor tokenised a second time; other APIs do not
     * read them. Source: vllm-project/vllm#48145 (2026-07-29).
     */
    private static final List<String> PROMPT_TOKENS = List.of("prompt_token_ids");

    private static final Put RETURN_TOKENS = new Put("return_token_ids", "true");

    private static final List<String> REQUIRED = List.of(
            "do_remote_prefill",
            "remote_engine_id",
            "remote_block_ids",
            "remote_host",
            "remote_port",
            "remote_request_id");

    /** What a decode engine says of its blocks that prefill engines may read; vllm-project/vllm#32553 (2026-05). */
    private static final List<String> REQUIRED_OF_TURN = List.of(
            "do_remote_decode",
            "remote_engine_id",
            "remote_block_ids",
            "remote_host",
            "remote_port",
            "remote_request_id",
            "remote_num_tokens");

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
        Leg prefill = ComputeOnly.leg(pairing).with(ASK);
        boolean tokens = pairing.shortcuts().contains(Shortcut.PROMPT_TOKENS) && pairing.api() == ApiKind.CHAT;
        return new Exchange.Sequential(
                tokens ? prefill.with(RETURN_TOKENS) : prefill,
                new Handover.Carried(
                        KvParams.FIELD, REQUIRED, host(pairing.prefill()), tokens ? PROMPT_TOKENS : List.of()),
                whole(pairing.decode(), pairing.api()));
    }

    /** Engines that announce {@code localhost} are reached where the configuration says. */
    private static Map<String, String> host(Seat owner) {
        KvAddress kv = owner.facts().kv();
        return kv == null
                ? Map.of()
                : KvParams.empty().with("remote_host", kv.host()).values();
    }

    @Override
    public Handover.Carried readBack(Seat decode) {
        return new Handover.Carried(KvParams.FIELD, REQUIRED_OF_TURN, host(decode));
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
        EngineVersion version = prefill.version();
        return version != null && version.before(0, 23) ? OLD_HOLD : LEASE;
    }

    @Override
    public AfterPrefillFailure afterPrefillFailure() {
        return AfterPrefillFailure.ROUTE_AGAIN;
    }
}
