// SPDX-License-Identifier: Apache-2.0
package dev.tandem.bench.stress;

import dev.tandem.bench.stress.field.Wish;
import dev.tandem.bench.stress.field.Wish.Kind;

/**
 * What a soak asks for: the same for the same number, a tenth of it left by its client, a twentieth with a fault. No
 * state.
 */
final class SoakMix {
    private static final int EVENTS = 8;
    private static final int LONG = 3_600;
    private static final int PAUSE_MILLIS = 2;

    private static final Kind[] FAULTS = {Kind.REFUSE, Kind.RESET, Kind.HALF, Kind.CUT};

    private SoakMix() {}

    /** Returns the wish of a request. */
    static Wish wish(int number) {
        int draw = draw(number) % 100;
        if (draw < 10) {
            return Wish.drip(number, LONG, PAUSE_MILLIS);
        }
        Kind kind = draw < 15 ? FAULTS[draw(number + 1) % FAULTS.length] : draw % 2 == 0 ? Kind.BURST : Kind.WORK;
        return new Wish(kind, number, EVENTS, 0);
    }

    /** Whether the client leaves before it has the answer. */
    static boolean leaves(Wish wish) {
        return wish.kind() == Kind.DRIP;
    }

    /** Returns after how many events of the answer it leaves. */
    static int patience(Wish wish) {
        return draw(wish.id() + 2) % 4;
    }

    /** Spreads numbers that follow each other; 31 bits (the finalizer of MurmurHash3). */
    private static int draw(int number) {
        int mixed = number * 0x9e3779b9;
        mixed = (mixed ^ (mixed >>> 16)) * 0x85ebca6b;
        mixed = (mixed ^ (mixed >>> 13)) * 0xc2b2ae35;
        return (mixed ^ (mixed >>> 16)) & Integer.MAX_VALUE;
    }
}
