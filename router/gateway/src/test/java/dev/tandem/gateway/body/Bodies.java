// SPDX-License-Identifier: Apache-2.0
package dev.tandem.gateway.body;

import dev.tandem.core.prefix.Fingerprinter;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.CompositeByteBuf;
import io.netty.buffer.Unpooled;
import java.nio.charset.StandardCharsets;
import java.util.Map;

/** Bodies for tests. */
public final class Bodies {
    static final BodyScanner SCANNER = new BodyScanner(
            Fingerprinter.standard(),
            new BodyLimits(
                    64, 100_000, 16, Map.of("prompt", 64, "messages", 3, "tools", 2, "stop", 2, "logit_bias", 2), 40));

    private Bodies() {}

    static ByteBuf buffer(String json) {
        return Unpooled.wrappedBuffer(json.getBytes(StandardCharsets.UTF_8));
    }

    /** Returns the same text as it comes off a socket: in pieces. */
    static ByteBuf inPieces(String json, int size) {
        byte[] bytes = json.getBytes(StandardCharsets.UTF_8);
        CompositeByteBuf whole = Unpooled.compositeBuffer(Integer.MAX_VALUE);
        for (int at = 0; at < bytes.length; at += size) {
            whole.addComponent(true, Unpooled.wrappedBuffer(bytes, at, Math.min(size, bytes.length - at)));
        }
        return whole;
    }

    /** Returns a body that has been read. */
    public static RequestBody.Json json(String json) {
        return scan(json).body();
    }

    static ScannedBody scan(String json) {
        return SCANNER.scan(buffer(json));
    }

    static String text(ByteBuf buffer) {
        String text = buffer.toString(StandardCharsets.UTF_8);
        buffer.release();
        return text;
    }
}
