// SPDX-License-Identifier: Apache-2.0
package dev.tandem.core.disagg.connector;

import static org.assertj.core.api.Assertions.assertThat;

import dev.tandem.core.disagg.BodyEdits;
import dev.tandem.core.disagg.BodyEdits.Edit.Put;
import dev.tandem.core.disagg.Exchange.Sequential;
import dev.tandem.core.disagg.Handover;
import dev.tandem.core.disagg.Pairing;
import dev.tandem.core.disagg.Pairing.Shortcut;
import dev.tandem.core.fleet.EngineFacts;
import dev.tandem.core.fleet.Role;
import dev.tandem.core.fleet.Seat;
import dev.tandem.core.fleet.Workers;
import dev.tandem.core.request.ApiKind;
import java.util.List;
import java.util.Set;
import org.junit.jupiter.api.Test;

/** The wire facts of vLLM 0.32.0's NixlConnector, recorded 2026-11-21. */
class NixlConnectorTest {
    private final NixlConnector connector = new NixlConnector();
    private final Sequential exchange = planned(ApiKind.CHAT, false);

    private Sequential planned(ApiKind api, boolean reuseTokens) {
        return (Sequential) connector.plan(new Pairing(
                new Seat(Workers.worker("p", Role.PREFILL), 0, EngineFacts.UNKNOWN),
                new Seat(Workers.worker("d", Role.DECODE), 0, EngineFacts.UNKNOWN),
                api,
                "00",
                "",
                reuseTokens ? Set.of(Shortcut.PROMPT_TOKENS) : Set.of()));
    }

    @Test
    void prefillIsAskedWithTheWholeSkeleton() {
        assertThat(exchange.prefill().body().edits())
                .contains(new Put(
                        "kv_transfer_params",
                        "{\"do_remote_decode\":true,\"do_remote_prefill\":false,\"remote_engine_id\":null,"
                                + "\"remote_block_ids\":null,\"remote_host\":null,\"remote_port\":null}"));
    }

    @Test
    void aChatsTokensAreMadeOnceIfThatIsWanted() {
        Put asked = new Put("return_token_ids", "true");

        assertThat(planned(ApiKind.CHAT, true).prefill().body().edits()).contains(asked);
        assertThat(((Handover.Carried) planned(ApiKind.CHAT, true).handover()).copied())
                .containsExactly("prompt_token_ids");
        for (Sequential other : List.of(exchange, planned(ApiKind.COMPLETIONS, true))) {
            assertThat(other.prefill().body().edits()).doesNotContain(asked);
            assertThat(((Handover.Carried) other.handover()).copied()).isEmpty();
        }
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
