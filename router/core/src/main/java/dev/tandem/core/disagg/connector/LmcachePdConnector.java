// SPDX-License-Identifier: Apache-2.0
package dev.tandem.core.disagg.connector;

import dev.tandem.core.disagg.Exchange;
import dev.tandem.core.disagg.Handover;
import dev.tandem.core.disagg.KvConnector;
import dev.tandem.core.disagg.Leg;
import dev.tandem.core.disagg.Pairing;
import dev.tandem.core.disagg.Pairing.Shortcut;
import dev.tandem.core.fleet.EngineFacts;
import dev.tandem.core.fleet.KvAddress;
import dev.tandem.core.fleet.Role;
import dev.tandem.core.fleet.Seat;
import dev.tandem.core.request.ApiKind;
import java.time.Duration;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;

/**
 * LMCache inside both engines, with NIXL between them: the prefill engine sends chunks into the decode engine's buffer,
 * which finds them by the content of the prompt. Immutable.
 *
 * <p>The decode engine's buffer has no time limit: chunks stay until a request fetches them, so after prefill has
 * answered, decode always follows. Both engines need the same {@code PYTHONHASHSEED}. A request whose answer would
 * change behind a seam (see {@link Shortcut#FIRST_TOKEN}) gets its first token from decode in every variant. Source:
 * LMCache {@code examples/disagg_prefill/1p1d} and {@code disagg_proxy_server.py}, 2025-07 to 2026-01.
 */
public final class LmcachePdConnector implements KvConnector {
    private static final Duration PATIENCE = Duration.ofSeconds(2);

    private final Variant variant;

    /** How LMCache's own proxies use it. */
    public enum Variant {
        /** The prefill engine knows its receiver; decode answers from the start. */
        FIRST_TOKEN_FROM_DECODE,
        /** The prefill engine knows its receiver, and its token is the first that the client gets. */
        FIRST_TOKEN_FROM_PREFILL,
        /**
         * The request names the receiver, and the prefill engine tells the router when everything has arrived there.
         */
        NOTIFIED
    }

    /** Makes a connector of that variant. */
    public LmcachePdConnector(Variant variant) {
        this.variant = variant;
    }

    @Override
    public String name() {
        return switch (variant) {
            case FIRST_TOKEN_FROM_DECODE -> "lmcache-pd";
            case FIRST_TOKEN_FROM_PREFILL -> "lmcache-pd-first-token";
            case NOTIFIED -> "lmcache-pd-notified";
        };
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
    public @Nullable String lacks(Role role, EngineFacts facts) {
        return variant == Variant.NOTIFIED && role == Role.DECODE ? lackingPorts(facts) : null;
    }

    private static @Nullable String lackingPorts(EngineFacts facts) {
        KvAddress kv = facts.kv();
        return kv != null && kv.secondPort() == 0
                ? "no alloc port is known: its worker needs kv.second-port"
                : Addresses.lacking(facts);
    }

    @Override
    public Set<Need> needs() {
        return variant == Variant.NOTIFIED ? Set.of(Need.NOTIFICATIONS) : Set.of();
    }

    @Override
    public Exchange plan(Pairing pairing) {
        boolean continued =
                pairing.shortcuts().contains(Shortcut.FIRST_TOKEN) && variant != Variant.FIRST_TOKEN_FROM_DECODE;
        Leg prefill = asking(ComputeOnly.leg(pairing), params(pairing, continued));
        Leg decode = whole(pairing.decode(), pairing.api());
        return continued
                ? new Exchange.Continued(prefill, handover(pairing), decode)
                : new Exchange.Sequential(prefill, handover(pairing), decode);
    }

    private static Leg asking(Leg prefill, KvParams params) {
        return params.values().isEmpty() ? prefill : prefill.with(params.put());
    }

    private KvParams params(Pairing pairing, boolean continued) {
        KvParams first = continued ? KvParams.empty().with("ret_first_tok", true) : KvParams.empty();
        return variant == Variant.NOTIFIED
                ? first.with("disagg_spec", receiver(pairing.decode(), pairing.token()))
                : first;
    }

    /** There is a notice for each rank of the receiver. */
    private Handover handover(Pairing pairing) {
        return variant == Variant.NOTIFIED
                ? new Handover.Notified(
                        pairing.token(),
                        Addresses.of(pairing.decode()).parallel().tp(),
                        PATIENCE)
                : new Handover.Pushed();
    }

    private static KvParams receiver(Seat decode, String token) {
        KvAddress kv = Addresses.of(decode);
        return KvParams.empty()
                .with("req_id", token)
                .with("receiver_host", kv.host())
                .json("receiver_init_port", ports(kv.port(), kv.parallel().tp()))
                .json(
                        "receiver_alloc_port",
                        ports(kv.secondPort(), kv.parallel().tp()));
    }

    private static String ports(int first, int ranks) {
        return IntStream.range(first, first + ranks)
                .mapToObj(Integer::toString)
                .collect(Collectors.joining(",", "[", "]"));
    }

    @Override
    public WhenAbandoned whenAbandoned() {
        return WhenAbandoned.DRAIN_DECODE;
    }

    /** LMCache sends whole chunks, of 256 tokens by default. */
    @Override
    public int tailTokens() {
        return 256;
    }

    @Override
    public AfterPrefillFailure afterPrefillFailure() {
        return AfterPrefillFailure.ROUTE_AGAIN;
    }
}
