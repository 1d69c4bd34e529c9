// SPDX-License-Identifier: Apache-2.0
package dev.tandem.gateway.body;

import io.netty.buffer.ByteBuf;
import io.netty.util.ByteProcessor;

/**
 * Tells whether bytes are UTF-8, and not something that some decoders take for it: no byte missing, no character in
 * more bytes than it needs, no half of a surrogate pair. Confined to one body.
 *
 * <p>Jackson does not look at the bytes of texts that it skips. Source of the ranges: RFC 3629, section 4.
 */
final class Utf8 implements ByteProcessor {
    private static final int FIRST = 0x80;
    private static final int LAST = 0xBF;

    /** Bytes that the character still needs, and what the next of them may be. */
    private int needed;

    private int from = FIRST;
    private int to = LAST;

    private Utf8() {}

    /** Whether all readable bytes are whole characters. */
    static boolean is(ByteBuf buffer) {
        Utf8 utf8 = new Utf8();
        return buffer.forEachByte(utf8) < 0 && utf8.needed == 0;
    }

    @Override
    public boolean process(byte next) {
        if (needed == 0) {
            return next >= 0 || begin(next & 0xFF);
        }
        int value = next & 0xFF;
        boolean good = value >= from && value <= to;
        needed--;
        from = FIRST;
        to = LAST;
        return good;
    }

    private boolean begin(int value) {
        if (value < 0xC2 || value > 0xF4) {
            return false;
        }
        needed = value < 0xE0 ? 1 : value < 0xF0 ? 2 : 3;
        switch (value) {
            case 0xE0 -> from = 0xA0;
            case 0xED -> to = 0x9F;
            case 0xF0 -> from = 0x90;
            case 0xF4 -> to = 0x8F;
            default -> {
                // any byte that goes on
            }
        }
        return true;
    }
}
