// SPDX-License-Identifier: Apache-2.0
package dev.tandem.core.disagg.connector;

import static org.assertj.core.api.Assertions.assertThat;

import dev.tandem.core.disagg.BodyEdits;
import dev.tandem.core.disagg.BodyEdits.Edit.Put;
import dev.tandem.core.disagg.Exchange.Sequential;
import dev.tandem.core.disagg.Handover;
import dev.tandem.core.disagg.Pairing;
import dev.tandem.core.fleet.EngineFacts;
import dev.tandem.core.fleet.Role;
import dev.tandem.core.fleet.Seat;
import dev.tandem.core.fleet.Workers;
import dev.tandem.core.request.ApiKind;
import org.junit.jupiter.api.Test;

/** The wire facts of vLLM 0.32.0's NixlConnector, recorded 2026-11-21. */
class NixlConnectorTest {
    private final NixlConnector connector = new NixlConnector();
    private final Sequential exchange = (Sequential) connector.plan(new Pairing(
            new Seat(Workers.worker("p", Role.PREFILL), 0, EngineFacts.UNKNOWN),
            new Seat(Workers.worker("d", Role.DECODE), 0, EngineFacts.UNKNOWN),
            ApiKind.CHAT,
            "00",
            "",
            false));

    @Test
    void prefillIsAskedWithTheWholeSkeleton() {
        assertThat(exchange.prefill().body().edits())
                .contains(new Put(
                        "kv_transfer_params",
                        "{\"do_remote_decode\":true,\"do_remote_prefill\":false,\"remote_engine_id\":null,"
                                + "\"remote_block_ids\":null,\"remote_host\":null,\"remote_port\":null}"));
    }

    @Test
    void decodeGetsWhatPrefillAnsweredAndNothingElse() {
        assertThat(exchange.handover()).isInstanceOfSatisfying(Handover.Carried.class, carried -> {
            assertThat(carried.field()).isEqualTo("kv_transfer_params");
            assertThat(carried.required())
                    .contains(
                            "remote_engine_id", "remote_block_ids", "remote_host", "remote_port", "remote_request_id");
        });
        assertThat(exchange.decode().body()).isEqualTo(BodyEdits.NONE);
    }
}
