// SPDX-License-Identifier: Apache-2.0
package dev.tandem.gateway.handover;

import java.io.ByteArrayOutputStream;
import java.nio.charset.StandardCharsets;

/** Writes maps in MessagePack form, each value as short as it can be: what engines send. Stateless. */
public final class Packed {
    private Packed() {}

    /** Returns a map of texts and small numbers: name, value, name, value. */
    public static byte[] map(Object... namesAndValues) {
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        out.write(0x80 | namesAndValues.length / 2);
        for (Object item : namesAndValues) {
            if (item instanceof Integer number) {
                out.write(number);
            } else {
                text(out, (String) item);
            }
        }
        return out.toByteArray();
    }

    private static void text(ByteArrayOutputStream out, String text) {
        byte[] bytes = text.getBytes(StandardCharsets.UTF_8);
        if (bytes.length < 32) {
            out.write(0xa0 | bytes.length);
        } else {
            out.write(0xd9);
            out.write(bytes.length);
        }
        out.writeBytes(bytes);
    }
}
