// SPDX-License-Identifier: Apache-2.0
package dev.tandem.core.disagg.connector;

import dev.tandem.core.disagg.BodyEdits.Edit;
import dev.tandem.core.disagg.BodyEdits.Edit.Put;
import dev.tandem.core.disagg.Exchange;
import dev.tandem.core.disagg.KvConnector;
import dev.tandem.core.disagg.Leg;
import dev.tandem.core.disagg.Pairing;
import dev.tandem.core.fleet.EngineFacts;
import dev.tandem.core.fleet.KvAddress;
import dev.tandem.core.fleet.Role;
import dev.tandem.core.fleet.Seat;
import dev.tandem.core.fleet.Worker;
import dev.tandem.core.request.ApiKind;
import java.time.Duration;
import org.jspecify.annotations.Nullable;

/**
 * SGLang's disaggregation: both servers get the same request at once and meet in a room at the prefill server's
 * bootstrap port. Immutable.
 *
 * <p>Neither leg is shortened; the prefill server's answer is read and dropped. A server of a pair refuses requests
 * without a room, so none serves whole requests. A decode server waits 300 s for a prefill server that has failed, so
 * it is cancelled with it, and the next try has a new room. Source: SGLang of 2026-07-15.
 */
public final class SglangConnector implements KvConnector {
    private static final Duration HELD = Duration.ofMinutes(5);

    @Override
    public String name() {
        return "sglang";
    }

    @Override
    public boolean handsOver(ApiKind api) {
        return api == ApiKind.COMPLETIONS || api == ApiKind.CHAT;
    }

    @Override
    public boolean servesWhole(Role role) {
        return false;
    }

    @Override
    public @Nullable String lacks(Role role, EngineFacts facts) {
        return role == Role.PREFILL ? Addresses.lacking(facts) : null;
    }

    @Override
    public Exchange plan(Pairing pairing) {
        KvAddress kv = Addresses.of(pairing.prefill());
        Edit[] meeting = {
            new Put("bootstrap_host", "\"" + kv.host() + "\""),
            new Put("bootstrap_port", Integer.toString(kv.port())),
            new Put("bootstrap_room", Long.toString(room(pairing.token())))
        };
        return new Exchange.Parallel(
                ranked(whole(pairing.prefill(), pairing.api()).with(meeting), "routed_dp_rank", pairing.prefill()),
                ranked(
                        ranked(
                                whole(pairing.decode(), pairing.api()).with(meeting),
                                "routed_dp_rank",
                                pairing.decode()),
                        "disagg_prefill_dp_rank",
                        pairing.prefill()));
    }

    private static Leg ranked(Leg leg, String field, Seat seat) {
        int rank = seat.worker().rank();
        return rank == Worker.ONLY ? leg : leg.with(new Put(field, Integer.toString(rank)));
    }

    /** Returns 63 random bits. */
    private static long room(String token) {
        return Long.parseUnsignedLong(token, 0, 16, 16) >>> 1;
    }

    @Override
    public WhenAbandoned whenAbandoned() {
        return WhenAbandoned.EXPIRES;
    }

    @Override
    public Duration heldFor(EngineFacts prefill) {
        return HELD;
    }

    /** Prefill sends its own count along with the KV cache. */
    @Override
    public boolean countsHandedOver() {
        return false;
    }

    @Override
    public AfterPrefillFailure afterPrefillFailure() {
        return AfterPrefillFailure.ROUTE_AGAIN;
    }
}
