// SPDX-License-Identifier: Apache-2.0
package dev.tandem.core.disagg.connector;

import dev.tandem.core.disagg.Exchange;
import dev.tandem.core.disagg.Handover;
import dev.tandem.core.disagg.KvConnector;
import dev.tandem.core.disagg.Leg;
import dev.tandem.core.disagg.Pairing;
import dev.tandem.core.fleet.EngineFacts;
import dev.tandem.core.fleet.KvAddress;
import dev.tandem.core.fleet.KvAddress.Parallel;
import dev.tandem.core.fleet.Role;
import dev.tandem.core.fleet.Seat;
import dev.tandem.core.request.ApiKind;
import java.time.Duration;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * vLLM's {@code MoRIIOConnector} for AMD: the decode worker reads the blocks (READ) or the prefill worker writes them
 * (WRITE). Immutable.
 *
 * <p>An engine of this kind serves no request alone: READ would read what nobody wrote, WRITE would wait for ever. The
 * engines read each other's addresses out of the request's id, which must end in 32 lower-case hexadecimal digits; each
 * leg names the parallel sizes of the other side. READ carries what the prefill answer says, WRITE runs both legs side
 * by side. Source: vLLM main of 2026-08-17, {@code moriio_connector.py}.
 */
public final class MoriioConnector implements KvConnector {
    private static final Duration HELD = Duration.ofMinutes(1);

    private static final List<String> REQUIRED = List.of("remote_engine_id", "remote_block_ids");

    private final Mode mode;

    /** Who moves the blocks. */
    public enum Mode {
        /** The decode worker, after prefill. */
        READ,
        /** The prefill worker, while it computes. */
        WRITE
    }

    /** Makes a connector for engines that were started with that mode. */
    public MoriioConnector(Mode mode) {
        this.mode = mode;
    }

    @Override
    public String name() {
        return switch (mode) {
            case READ -> "moriio-read";
            case WRITE -> "moriio-write";
        };
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
        return Addresses.lacking(facts);
    }

    @Override
    public Exchange plan(Pairing pairing) {
        String transfer = "tx-" + pairing.token();
        String id = P2pNcclConnector.requestId(address(pairing.prefill()), address(pairing.decode()), pairing.token());
        KvParams ask = sizes(KvParams.prefill().without("remote_engine_id", "remote_block_ids"), pairing.decode())
                .with("transfer_id", transfer);
        KvParams fetch = sizes(KvParams.decode().with("transfer_id", transfer), pairing.prefill())
                .with("remote_dp_rank", pairing.prefill().worker().portOffset());
        Leg prefill = ComputeOnly.endedByItsLimit(pairing).named(id).with(ask.put());
        Leg decode = whole(pairing.decode(), pairing.api()).named(id);
        return switch (mode) {
            case READ ->
                new Exchange.Sequential(
                        prefill, new Handover.Carried(KvParams.FIELD, REQUIRED, fetch.values()), decode);
            case WRITE ->
                new Exchange.Parallel(
                        prefill,
                        ComputeOnly.withoutPrompt(decode)
                                .with(fetch.without("remote_engine_id", "remote_block_ids")
                                        .put()));
        };
    }

    private static String address(Seat seat) {
        KvAddress kv = Addresses.of(seat);
        return "host:" + kv.host() + ",handshake:" + kv.port() + ",notify:" + kv.secondPort();
    }

    private static KvParams sizes(KvParams params, Seat otherSide) {
        Parallel parallel = Addresses.of(otherSide).parallel();
        return params.with("remote_dp_size", parallel.dp()).with("remote_tp_size", parallel.tp());
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
