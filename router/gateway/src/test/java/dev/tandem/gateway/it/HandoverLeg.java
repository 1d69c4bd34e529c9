// SPDX-License-Identifier: Apache-2.0
package dev.tandem.gateway.it;

import dev.tandem.simulator.http.Fault;
import dev.tandem.simulator.http.Fault.Kind;
import java.util.Map;
import java.util.Objects;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;

/** What there is between the legs of a protocol, and how it goes wrong. */
enum HandoverLeg {
    /** A store that both engines use. */
    STORE("nothing is sent between the legs: decode computes what it does not find in the store", Map.of()),
    /** Calls of the router to both engines; what goes wrong is the second, to the decode worker. */
    CALLS(
            "the call goes to the worker of the decode leg: see `decode: connection refused`",
            Map.of(
                    Mishap.REJECTED, Fault.of(Kind.STATUS).status(400),
                    Mishap.FAILED, Fault.of(Kind.STATUS).status(500),
                    Mishap.SILENCE, Fault.of(Kind.STALL),
                    Mishap.RESET, Fault.of(Kind.RESET),
                    Mishap.GARBAGE, Fault.of(Kind.GARBAGE))),
    /** A store, and notices of the prefill worker to the router. */
    NOTICE(
            "a notice that does not get through, for whatever reason, is silence",
            Map.of(
                    Mishap.SILENCE, Fault.of(Kind.NOTICE_NEVER),
                    Mishap.GARBAGE, Fault.of(Kind.NOTICE_GARBAGE))),
    /** A transfer of which the prefill worker notifies the router. */
    NOTIFIED_TRANSFER(
            "engines refuse each other in one way only: see `hand-over: 400`",
            Map.of(
                    Mishap.REFUSED, kv(Kind.CRASH),
                    Mishap.REJECTED, kv(Kind.STATUS),
                    Mishap.SILENCE, Fault.of(Kind.NOTICE_NEVER),
                    Mishap.RESET, kv(Kind.RESET),
                    Mishap.GARBAGE, Fault.of(Kind.NOTICE_GARBAGE))),
    /** A call of the decode worker to the router, and the transfer that follows. */
    CALLBACK(
            "the router is the one that answers",
            Map.of(
                    Mishap.REFUSED, kv(Kind.CRASH),
                    Mishap.REJECTED, Fault.of(Kind.CALLBACK_UNKNOWN),
                    Mishap.SILENCE, Fault.of(Kind.CALLBACK_NEVER),
                    Mishap.RESET, kv(Kind.RESET),
                    Mishap.GARBAGE, Fault.of(Kind.CALLBACK_GARBAGE))),
    /** A transfer between the engines, of which the router sees nothing. */
    TRANSFER(
            "engines refuse each other in one way only: see `hand-over: 400`",
            Map.of(
                    Mishap.REFUSED, kv(Kind.CRASH),
                    Mishap.REJECTED, kv(Kind.STATUS),
                    Mishap.SILENCE, kv(Kind.STALL),
                    Mishap.RESET, kv(Kind.RESET),
                    Mishap.GARBAGE, kv(Kind.GARBAGE)));

    private static final String NO_MOMENT =
            "one of the legs runs meanwhile: see `prefill: client leaves` and `decode: client leaves`";

    private final String absence;

    @SuppressWarnings("ImmutableEnumChecker") // a copy
    private final Map<Mishap, Fault> faults;

    HandoverLeg(String absence, Map<Mishap, Fault> faults) {
        this.absence = absence;
        this.faults = Map.copyOf(faults);
    }

    /** What goes wrong, seen by whoever begins. */
    enum Mishap {
        /** Nobody listens. */
        REFUSED("connection refused"),
        /** The other side does not know what is meant. */
        REJECTED("400"),
        /** The other side is ill. */
        FAILED("500"),
        /** Nothing comes. */
        SILENCE("silence"),
        /** The connection breaks. */
        RESET("reset"),
        /** What comes means nothing. */
        GARBAGE("garbage");

        private final String text;

        Mishap(String text) {
            this.text = text;
        }

        String text() {
            return text;
        }
    }

    static HandoverLeg of(String connector) {
        return switch (connector) {
            case "shared-cache" -> STORE;
            case "llamacpp-slot" -> CALLS;
            case "lmcache-mp" -> NOTICE;
            case "lmcache-pd-notified" -> NOTIFIED_TRANSFER;
            case "ascend-layerwise" -> CALLBACK;
            default -> TRANSFER;
        };
    }

    /** Returns why this cannot happen here, as a sentence for readers; null when it can. */
    @Nullable
    String absence(FailureCell cell) {
        return switch (cell.harm()) {
            case FailureCell.Harm.Mishap(Mishap what) -> faults.containsKey(what) ? null : absence;
            case FailureCell.Harm.ClientLeaves leaves ->
                cell.place() != FailureCell.Place.HAND_OVER || waitsOnRouter()
                        ? null
                        : this == STORE ? absence : NO_MOMENT;
            case FailureCell.Harm.Misbehaves leg -> null;
            case FailureCell.Harm.Says leg -> null;
        };
    }

    /** Returns which of the pair is asked whatever happens here: 0 for the prefill worker, 1 for the other. */
    int askedFirst() {
        return this == CALLBACK ? 1 : 0;
    }

    /** Whether there are moments at which no leg runs and the router waits. */
    private boolean waitsOnRouter() {
        return switch (this) {
            case CALLS, NOTICE, NOTIFIED_TRANSFER -> true;
            case STORE, CALLBACK, TRANSFER -> false;
        };
    }

    /** Lets it happen once to requests of the pair. */
    void harm(HandoverStack stack, String[] pair, Mishap what, String path) {
        Fault fault = Objects.requireNonNull(faults.get(what));
        switch (fault.kind()) {
            case NOTICE_NEVER, NOTICE_GARBAGE -> stack.arm(pair[0], fault.on(path));
            case CALLBACK_NEVER, CALLBACK_GARBAGE, CALLBACK_UNKNOWN -> stack.arm(pair[1], fault.on(path));
            default -> {
                if (this == CALLS) {
                    IntStream.range(0, HandoverProtocols.SLOTS)
                            .forEach(slot -> stack.arm(pair[1], fault.on("/slots/" + slot)));
                } else {
                    stack.arm(pair[0], fault);
                    stack.arm(pair[1], fault);
                }
            }
        }
    }

    private static Fault kv(Kind kind) {
        return Fault.of(kind).on(Fault.KV).times(0);
    }
}
