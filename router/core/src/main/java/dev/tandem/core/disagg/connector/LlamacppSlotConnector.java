// SPDX-License-Identifier: Apache-2.0
package dev.tandem.core.disagg.connector;

import dev.tandem.core.disagg.BodyEdits;
import dev.tandem.core.disagg.BodyEdits.Edit;
import dev.tandem.core.disagg.BodyEdits.Edit.Drop;
import dev.tandem.core.disagg.BodyEdits.Edit.Put;
import dev.tandem.core.disagg.Exchange;
import dev.tandem.core.disagg.Handover;
import dev.tandem.core.disagg.Handover.ControlCall;
import dev.tandem.core.disagg.KvConnector;
import dev.tandem.core.disagg.Leg;
import dev.tandem.core.disagg.Pairing;
import dev.tandem.core.fleet.Seat;
import dev.tandem.core.request.ApiKind;
import java.time.Duration;
import java.util.List;

/**
 * Two {@code llama-server}s with one {@code --slot-save-path}: the prefill server saves an engine slot to a file, the
 * decode server restores it. Immutable.
 *
 * <p>The engine slot of a leg is the number of its seat, so two requests never share one. The server takes a number out
 * of range modulo its slots and would save another request's, so a seat beyond the engine's slots runs whole on the
 * decode worker, which makes it wait for its slot. The file is named after the prefill worker and its seat: a bounded
 * set, each overwritten by the next prompt of that seat, which is safe because the prefill lease lasts until the file
 * is read. Source: llama.cpp b11669, run 2026-11-21.
 */
public final class LlamacppSlotConnector implements KvConnector {
    private static final Duration WITHIN = Duration.ofSeconds(10);
    private static final Put KEEP = new Put("cache_prompt", "true");

    /** Wins over {@code max_tokens}. */
    private static final Drop PREDICT = new Drop("n_predict");

    @Override
    public String name() {
        return "llamacpp-slot";
    }

    @Override
    public boolean handsOver(ApiKind api) {
        return takesSlot(api);
    }

    @Override
    public Exchange plan(Pairing pairing) {
        Seat prefill = pairing.prefill();
        Seat decode = pairing.decode();
        if (!inRange(prefill) || !inRange(decode)) {
            return new Exchange.Single(whole(decode, pairing.api()));
        }
        String file = "{\"filename\":\"" + prefill.worker().id() + "-" + prefill.number() + ".bin\"}";
        return new Exchange.Sequential(
                ComputeOnly.leg(pairing).with(PREDICT, KEEP, slot(prefill)),
                new Handover.Calls(
                        List.of(call(prefill, "save", file, "n_saved"), call(decode, "restore", file, "n_restored")),
                        WITHIN),
                whole(decode, pairing.api()));
    }

    @Override
    public Leg whole(Seat seat, ApiKind api) {
        BodyEdits edits =
                takesSlot(api) && seat.facts().slots() > 0 ? BodyEdits.NONE.and(KEEP, slot(seat)) : BodyEdits.NONE;
        return new Leg(seat.worker(), api, edits);
    }

    @Override
    public AfterPrefillFailure afterPrefillFailure() {
        return AfterPrefillFailure.DECODE_ALONE;
    }

    /** The server translates messages into chat and loses the field on the way. */
    private static boolean takesSlot(ApiKind api) {
        return api.generative() && api != ApiKind.MESSAGES;
    }

    private static boolean inRange(Seat seat) {
        return seat.number() < seat.facts().slots();
    }

    private static ControlCall call(Seat seat, String action, String json, String moved) {
        return new ControlCall(seat.worker(), "/slots/" + seat.number() + "?action=" + action, json, moved);
    }

    private static Edit slot(Seat seat) {
        return new Put("id_slot", Integer.toString(seat.number() % seat.facts().slots()));
    }
}
