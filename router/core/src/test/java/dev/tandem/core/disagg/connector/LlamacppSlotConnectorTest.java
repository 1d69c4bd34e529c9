// SPDX-License-Identifier: Apache-2.0
package dev.tandem.core.disagg.connector;

import static org.assertj.core.api.Assertions.assertThat;

import dev.tandem.core.disagg.BodyEdits;
import dev.tandem.core.disagg.BodyEdits.Edit;
import dev.tandem.core.disagg.BodyEdits.Edit.Drop;
import dev.tandem.core.disagg.BodyEdits.Edit.Put;
import dev.tandem.core.disagg.Exchange;
import dev.tandem.core.disagg.Exchange.Sequential;
import dev.tandem.core.disagg.Exchange.Single;
import dev.tandem.core.disagg.Handover;
import dev.tandem.core.disagg.Handover.ControlCall;
import dev.tandem.core.disagg.Leg;
import dev.tandem.core.disagg.Pairing;
import dev.tandem.core.fleet.EngineFacts;
import dev.tandem.core.fleet.Role;
import dev.tandem.core.fleet.Seat;
import dev.tandem.core.fleet.Worker;
import dev.tandem.core.fleet.Workers;
import dev.tandem.core.request.ApiKind;
import java.util.List;
import org.junit.jupiter.api.Test;

/** The wire facts of llama-server b11669, recorded 2026-11-21. */
class LlamacppSlotConnectorTest {
    private static final Worker P = Workers.worker("p", Role.PREFILL);
    private static final Worker D = Workers.worker("d", Role.DECODE);

    private final LlamacppSlotConnector connector = new LlamacppSlotConnector();

    private Exchange plan(int prefillSeat, int decodeSeat, int slots, ApiKind api) {
        EngineFacts facts = new EngineFacts("llamacpp-slot", slots);
        return connector.plan(
                new Pairing(new Seat(P, prefillSeat, facts), new Seat(D, decodeSeat, facts), api, "00", ""));
    }

    private static List<Edit> slot(int number) {
        return List.of(new Put("cache_prompt", "true"), new Put("id_slot", Integer.toString(number)));
    }

    @Test
    void savesTheSlotOfPrefillAndRestoresItIntoTheSlotOfDecode() {
        Sequential exchange = (Sequential) plan(2, 3, 4, ApiKind.COMPLETIONS);

        assertThat(exchange.prefill().body().edits()).containsAll(slot(2)).contains(new Drop("n_predict"));
        assertThat(((Handover.Calls) exchange.handover()).calls())
                .containsExactly(
                        new ControlCall(P, "/slots/2?action=save", "{\"filename\":\"p-2.bin\"}", "n_saved"),
                        new ControlCall(D, "/slots/3?action=restore", "{\"filename\":\"p-2.bin\"}", "n_restored"));
        assertThat(exchange.decode()).isEqualTo(new Leg(D, ApiKind.COMPLETIONS, new BodyEdits(slot(3))));
    }

    @Test
    void aSeatBeyondTheSlotsRunsWholeAndWaitsForASlotThatExists() {
        assertThat(plan(4, 0, 4, ApiKind.CHAT)).isEqualTo(new Single(new Leg(D, ApiKind.CHAT, new BodyEdits(slot(0)))));
        assertThat(plan(0, 6, 4, ApiKind.CHAT)).isEqualTo(new Single(new Leg(D, ApiKind.CHAT, new BodyEdits(slot(2)))));
    }

    @Test
    void anEngineThatHasNotToldItsSlotsIsNotGivenOne() {
        assertThat(plan(0, 0, 0, ApiKind.CHAT)).isEqualTo(new Single(new Leg(D, ApiKind.CHAT, BodyEdits.NONE)));
    }

    @Test
    void wholeRequestsHaveASlotToo() {
        Seat seat = new Seat(D, 1, new EngineFacts("llamacpp-slot", 2));

        assertThat(connector.whole(seat, ApiKind.CHAT).body().edits()).isEqualTo(slot(1));
        assertThat(connector.whole(seat, ApiKind.MESSAGES).body()).isEqualTo(BodyEdits.NONE);
    }
}
