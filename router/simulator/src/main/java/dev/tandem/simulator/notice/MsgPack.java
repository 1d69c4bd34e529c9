// SPDX-License-Identifier: Apache-2.0
package dev.tandem.simulator.notice;

import java.io.ByteArrayOutputStream;
import java.nio.charset.StandardCharsets;
import java.util.Map;

/** The part of MessagePack that notices need: maps of at most 15 texts and numbers. */
public final class MsgPack {
    private static final int FIX_MAP = 0x80;
    private static final int FIX_TEXT = 0xa0;
    private static final int MOST_ENTRIES = 15;

    private MsgPack() {}

    /** Returns a map whose values are texts and numbers that are not negative, in the order of its keys. */
    public static byte[] map(Map<String, ?> entries) {
        if (entries.size() > MOST_ENTRIES) {
            throw new IllegalArgumentException("entries: " + entries.size() + " (expected: <= " + MOST_ENTRIES + ")");
        }
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        out.write(FIX_MAP | entries.size());
        entries.forEach((key, value) -> {
            text(out, key);
            if (value instanceof Number number) {
                number(out, number.intValue());
            } else {
                text(out, value.toString());
            }
        });
        return out.toByteArray();
    }

    private static void text(ByteArrayOutputStream out, String value) {
        byte[] bytes = value.getBytes(StandardCharsets.UTF_8);
        if (bytes.length < 32) {
            out.write(FIX_TEXT | bytes.length);
        } else if (bytes.length < 1 << 8) {
            out.write(0xd9);
            out.write(bytes.length);
        } else {
            out.write(0xda);
            out.write(bytes.length >> 8);
            out.write(bytes.length);
        }
        out.writeBytes(bytes);
    }

    private static void number(ByteArrayOutputStream out, int value) {
        if (value >= 1 << 7) {
            out.write(0xce);
            out.write(value >> 24);
            out.write(value >> 16);
            out.write(value >> 8);
        }
        out.write(value);
    }
}
