// SPDX-License-Identifier: Apache-2.0
package dev.tandem.gateway.body;

import io.netty.buffer.ByteBuf;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.nio.ByteOrder;

/**
 * Tells whether bytes are UTF-8, and not something that some decoders take for it: no byte missing, no character in
 * more bytes than it needs, no half of a surrogate pair. Confined to one body.
 *
 * <p>Jackson does not look at the bytes of texts that it skips. Source of the ranges: RFC 3629, section 4. Most bytes
 * are ASCII, of which eight are looked at together.
 */
final class Utf8 {
    private static final VarHandle LONGS = MethodHandles.byteArrayViewVarHandle(long[].class, ByteOrder.LITTLE_ENDIAN);
    private static final long NOT_ASCII = 0x80_80_80_80_80_80_80_80L;

    private static final int FIRST = 0x80;
    private static final int LAST = 0xBF;

    /** Bytes that the character still needs, and what the next of them may be. */
    private int needed;

    private int from = FIRST;
    private int to = LAST;

    private Utf8() {}

    /**
     * Whether all readable bytes are whole characters.
     *
     * @param scratch where pieces are looked at; not empty
     */
    static boolean is(ByteBuf buffer, byte[] scratch) {
        Utf8 utf8 = new Utf8();
        for (int at = buffer.readerIndex(); at < buffer.writerIndex(); at += scratch.length) {
            int length = Math.min(scratch.length, buffer.writerIndex() - at);
            buffer.getBytes(at, scratch, 0, length);
            if (!utf8.goesOn(scratch, length)) {
                return false;
            }
        }
        return utf8.needed == 0;
    }

    private boolean goesOn(byte[] bytes, int length) {
        int at = 0;
        while (at < length) {
            if (needed == 0 && at + Long.BYTES <= length && ((long) LONGS.get(bytes, at) & NOT_ASCII) == 0) {
                at += Long.BYTES;
            } else if (!goesOn(bytes[at++])) {
                return false;
            }
        }
        return true;
    }

    private boolean goesOn(byte next) {
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
