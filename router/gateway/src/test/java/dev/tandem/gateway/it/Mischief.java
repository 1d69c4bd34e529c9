// SPDX-License-Identifier: Apache-2.0
package dev.tandem.gateway.it;

import java.util.SplittableRandom;

/**
 * What a {@link FaultProxy} does to one request. Immutable.
 *
 * @param kind what it does
 * @param at how many bytes of the answer, its head included, pass before
 * @param nanos longest pause between the pieces of a slow answer
 */
record Mischief(Kind kind, int at, long nanos) {
    static final Mischief NONE = new Mischief(Kind.NONE, 0, 0);

    private static final int SLICED_BYTES = 400;
    private static final int BYTES = 6_000;
    private static final int LONGEST_PAUSE_NANOS = 15_000_000;

    /** Kinds of mischief. */
    enum Kind {
        /** Each piece of the answer waits, and one longer than the other. */
        LATE(5, false),
        /** The first bytes of the answer come one by one. */
        SLICED(5, false),
        /** The connection is reset before the engine has seen the request. */
        NEVER_SENT(7, true),
        /** The connection is reset in the midst of the answer. */
        RESET(14, true),
        /** The answer ends too early, and the connection with it. */
        CUT(12, true),
        /** The answer ends too early; what the gateway says is still read. */
        HALF_CLOSED(7, true),
        /** Nothing comes any more. */
        BLACK_HOLE(2, true),
        /** The head of the answer is not HTTP. */
        CORRUPT_HEAD(8, true),
        /** Nothing: everything passes. */
        NONE(100, false);

        private final int percent;
        private final boolean harmful;

        Kind(int percent, boolean harmful) {
            this.percent = percent;
            this.harmful = harmful;
        }

        boolean harmful() {
            return harmful;
        }
    }

    /** Draws one; without hostility it does no harm. */
    static Mischief draw(SplittableRandom random, boolean hostile) {
        Kind kind = kind(random, hostile);
        return switch (kind) {
            case NONE, NEVER_SENT, CORRUPT_HEAD -> new Mischief(kind, 0, 0);
            case LATE -> new Mischief(kind, 0, 1 + random.nextInt(LONGEST_PAUSE_NANOS));
            case SLICED -> new Mischief(kind, SLICED_BYTES, 0);
            case RESET, CUT, HALF_CLOSED -> new Mischief(kind, random.nextInt(BYTES), 0);
            // An engine that says nothing at all is not tried again: only what has begun to be answered falls silent.
            case BLACK_HOLE -> new Mischief(kind, BYTES / 2 + random.nextInt(BYTES / 2), 0);
        };
    }

    private static Kind kind(SplittableRandom random, boolean hostile) {
        int left = random.nextInt(100);
        for (Kind kind : Kind.values()) {
            left -= hostile || !kind.harmful ? kind.percent : 0;
            if (left < 0) {
                return kind;
            }
        }
        return Kind.NONE;
    }
}
