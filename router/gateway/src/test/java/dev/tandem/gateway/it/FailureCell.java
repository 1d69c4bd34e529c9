// SPDX-License-Identifier: Apache-2.0
package dev.tandem.gateway.it;

import dev.tandem.simulator.http.Fault;
import dev.tandem.simulator.http.Fault.Kind;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * One way in which a leg ends badly. Immutable.
 *
 * @param name for readers, beginning with the leg
 * @param prefill whether it happens to the prefill leg; otherwise to decode's
 * @param fault what the engine does; null when the client leaves while the leg runs
 */
record FailureCell(String name, boolean prefill, @Nullable Fault fault) {
    private static final Fault SILENCE = Fault.of(Kind.STALL);

    /** Returns all of them. */
    static List<FailureCell> all() {
        List<FailureCell> cells = new ArrayList<>();
        for (boolean prefill : new boolean[] {true, false}) {
            String leg = prefill ? "prefill: " : "decode: ";
            cells.add(new FailureCell(leg + "connection refused", prefill, Fault.of(Kind.CRASH)));
            cells.add(
                    new FailureCell(leg + "400", prefill, Fault.of(Kind.STATUS).status(400)));
            cells.add(
                    new FailureCell(leg + "500", prefill, Fault.of(Kind.STATUS).status(500)));
            cells.add(
                    new FailureCell(leg + "503", prefill, Fault.of(Kind.STATUS).status(503)));
            cells.add(new FailureCell(leg + "reset before the head", prefill, Fault.of(Kind.RESET)));
            cells.add(new FailureCell(
                    leg + "half an answer", prefill, Fault.of(Kind.RESET).after(40)));
            cells.add(new FailureCell(leg + "silence", prefill, SILENCE));
        }
        cells.add(of("decode: error as first event", Fault.of(Kind.ERROR_EVENT).after(0)));
        cells.add(of("decode: reset inside an event", Fault.of(Kind.RESET).after(700)));
        cells.add(of("decode: end after two events", Fault.of(Kind.TRUNCATE).after(2)));
        cells.add(of("decode: silence after two events", SILENCE.after(2)));
        cells.add(new FailureCell("prefill: client leaves", true, null));
        cells.add(new FailureCell("decode: client leaves", false, null));
        return cells;
    }

    private static FailureCell of(String name, Fault fault) {
        return new FailureCell(name, false, fault);
    }

    /** Whether the engine is gone before the leg is sent. */
    boolean refusesConnections() {
        return fault != null && fault.kind() == Kind.CRASH;
    }

    /** Whether nothing comes any more, in the middle of an answer. */
    boolean fallsSilent() {
        return fault != null && fault.kind() == Kind.STALL && fault.at() >= 0;
    }
}
