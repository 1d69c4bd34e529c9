// SPDX-License-Identifier: Apache-2.0
package dev.tandem.core.disagg.connector;

import dev.tandem.core.fleet.EngineFacts;
import dev.tandem.core.fleet.KvAddress;
import dev.tandem.core.fleet.Seat;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/** Where engines reach each other, for connectors that must tell them. Stateless. */
final class Addresses {
    private static final String NO_ADDRESS = "no KV address is known: the engine registers, or its worker has kv.port";

    private Addresses() {}

    /** Returns why an engine is not ready that others must reach, or null. */
    static @Nullable String lacking(EngineFacts facts) {
        return facts.kv() == null ? NO_ADDRESS : null;
    }

    /** Returns why an engine is not ready that others must reach and know by its id, or null. */
    static @Nullable String lackingId(EngineFacts facts) {
        KvAddress kv = facts.kv();
        return kv != null && kv.engineId() == null ? "the id of the engine is not known" : lacking(facts);
    }

    /** Returns the address of an engine that lacks nothing. */
    static KvAddress of(Seat seat) {
        return Objects.requireNonNull(seat.facts().kv(), "KV address");
    }

    /** Returns the port of an engine whose data parallel ranks count theirs up from the first. */
    static int portOf(Seat seat) {
        return of(seat).port() + seat.worker().portOffset();
    }

    /** Returns the id of an engine that lacks nothing. */
    static String idOf(Seat seat) {
        return Objects.requireNonNull(of(seat).engineId(), "engine id");
    }
}
