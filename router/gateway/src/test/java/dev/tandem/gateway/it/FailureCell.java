// SPDX-License-Identifier: Apache-2.0
package dev.tandem.gateway.it;

import dev.tandem.simulator.http.Fault;
import dev.tandem.simulator.http.Fault.Kind;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.EnumSet;
import java.util.List;
import java.util.Locale;
import java.util.Set;

/**
 * One way in which a leg, or what is between the legs, ends badly. Immutable.
 *
 * @param name for readers, beginning with where it happens
 * @param place where it happens
 * @param harm what happens
 */
record FailureCell(String name, Place place, Harm harm) {
    private static final String PAGE = "<html><body>welcome to the cluster</body></html>";

    private static final Set<Kind> GARBLING = EnumSet.of(Kind.GARBAGE, Kind.SHORTEN, Kind.NO_PARAMS, Kind.EMPTY_PARAMS);

    /** Where it happens. */
    enum Place {
        /** On the prefill worker. */
        PREFILL,
        /** Between the legs; the {@link HandoverLeg} says what that is. */
        HAND_OVER,
        /** On the worker that answers. */
        DECODE;

        private String prefix() {
            return name().toLowerCase(Locale.ROOT).replace("_", "-") + ": ";
        }
    }

    /** What happens. */
    sealed interface Harm {
        /** A leg's engine misbehaves. */
        record Misbehaves(Fault fault) implements Harm {}

        /** A leg's engine answers these bytes. */
        record Says(String bytes) implements Harm {}

        /** The hand-over goes wrong. */
        record Mishap(HandoverLeg.Mishap what) implements Harm {}

        /** The client leaves while the leg runs. */
        record ClientLeaves() implements Harm {}
    }

    /** Returns all of them. */
    static List<FailureCell> all() {
        List<FailureCell> cells = new ArrayList<>();
        for (Place leg : new Place[] {Place.PREFILL, Place.DECODE}) {
            cells.add(of(leg, "connection refused", Fault.of(Kind.CRASH)));
            cells.add(of(leg, "400", Fault.of(Kind.STATUS).status(400)));
            cells.add(of(leg, "500", Fault.of(Kind.STATUS).status(500)));
            cells.add(of(leg, "503", Fault.of(Kind.STATUS).status(503)));
            cells.add(of(leg, "reset before the head", Fault.of(Kind.RESET)));
            cells.add(of(leg, "half an answer", Fault.of(Kind.RESET).after(40)));
            cells.add(of(leg, "silence", Fault.of(Kind.STALL)));
            cells.add(of(leg, "no HTTP", new Harm.Says("welcome to the cluster\r\n\r\n")));
        }
        cells.addAll(List.of(
                of(Place.PREFILL, "no JSON", Fault.of(Kind.GARBAGE)),
                of(Place.PREFILL, "half of its JSON", Fault.of(Kind.SHORTEN).after(40)),
                of(Place.PREFILL, "no hand-over object", Fault.of(Kind.NO_PARAMS)),
                of(Place.PREFILL, "empty hand-over object", Fault.of(Kind.EMPTY_PARAMS)),
                of(
                        Place.DECODE,
                        "error as first event",
                        Fault.of(Kind.ERROR_EVENT).after(0)),
                of(Place.DECODE, "reset inside an event", Fault.of(Kind.RESET).after(700)),
                of(Place.DECODE, "end after two events", Fault.of(Kind.TRUNCATE).after(2)),
                of(
                        Place.DECODE,
                        "silence after two events",
                        Fault.of(Kind.STALL).after(2)),
                of(Place.DECODE, "a page instead of a stream", new Harm.Says(page())),
                of(
                        Place.DECODE,
                        "garbage after two events",
                        Fault.of(Kind.GARBAGE).after(2))));
        Arrays.stream(HandoverLeg.Mishap.values())
                .map(what -> of(Place.HAND_OVER, what.text(), new Harm.Mishap(what)))
                .forEach(cells::add);
        for (Place leg : Place.values()) {
            cells.add(of(leg, "client leaves", new Harm.ClientLeaves()));
        }
        return List.copyOf(cells);
    }

    private static String page() {
        return "HTTP/1.1 200 OK\r\ncontent-type: text/html\r\ncontent-length: " + PAGE.length() + "\r\n\r\n" + PAGE;
    }

    private static FailureCell of(Place place, String name, Fault fault) {
        return of(place, name, new Harm.Misbehaves(fault));
    }

    private static FailureCell of(Place place, String name, Harm harm) {
        return new FailureCell(place.prefix() + name, place, harm);
    }

    /** Whether the engine is gone before the leg is sent. */
    boolean refusesConnections() {
        return harm instanceof Harm.Misbehaves(Fault fault) && fault.kind() == Kind.CRASH;
    }

    /** Whether something comes that means nothing, or not enough. */
    boolean garbled() {
        return switch (harm) {
            case Harm.Says words -> true;
            case Harm.Misbehaves(Fault fault) -> GARBLING.contains(fault.kind());
            case Harm.Mishap mishap -> false;
            case Harm.ClientLeaves leaves -> false;
        };
    }

    /** Whether nothing comes any more, in the middle of an answer. */
    boolean fallsSilent() {
        return harm instanceof Harm.Misbehaves(Fault fault) && fault.kind() == Kind.STALL && fault.at() >= 0;
    }

    @Override
    public String toString() {
        return name;
    }
}
