// SPDX-License-Identifier: Apache-2.0
package dev.tandem.gateway.body;

import io.netty.buffer.ByteBuf;
import java.nio.charset.StandardCharsets;

/**
 * Images and other media that a client has put into its prompt as data URLs. An engine makes some hundred tokens of
 * one, whatever its size in bytes. Stateless.
 */
final class InlineMedia {
    /** Smaller ones do not distort an estimate. */
    private static final int SMALLEST_BODY = 32 << 10;

    private static final byte[] MARK = ";base64,".getBytes(StandardCharsets.US_ASCII);

    private InlineMedia() {}

    /**
     * Returns the bytes of base64 text in the JSON between two offsets, so that an estimate by bytes can leave them
     * out.
     *
     * @param body the whole body; offsets count from its reader index
     */
    static int bytes(ByteBuf body, int from, int to) {
        if (to - from < SMALLEST_BODY) {
            return 0;
        }
        int start = body.readerIndex();
        int bytes = 0;
        int at = body.indexOf(start + from, start + to, MARK[0]);
        while (at >= 0) {
            int next = at + 1;
            if (marked(body, at, start + to)) {
                next = Math.max(next, body.indexOf(at, start + to, (byte) '"'));
                bytes += next - at;
            }
            at = body.indexOf(next, start + to, MARK[0]);
        }
        return bytes;
    }

    private static boolean marked(ByteBuf body, int at, int end) {
        if (end - at < MARK.length) {
            return false;
        }
        for (int i = 0; i < MARK.length; i++) {
            if (body.getByte(at + i) != MARK[i]) {
                return false;
            }
        }
        return true;
    }
}
