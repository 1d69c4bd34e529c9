// SPDX-License-Identifier: Apache-2.0
package dev.tandem.gateway.body;

import io.netty.buffer.ByteBuf;
import java.nio.charset.StandardCharsets;
import org.jspecify.annotations.Nullable;
import tools.jackson.core.JsonParser;
import tools.jackson.core.JsonToken;

/**
 * Images and other media that a client has put into its prompt as data URLs (RFC 2397). An engine makes some hundred
 * tokens of one, whatever its size in bytes. Confined to one body.
 */
final class InlineMedia {
    /** Smaller ones do not distort an estimate. */
    private static final int SMALLEST_BODY = 32 << 10;

    private static final int LONGEST_TYPE = 128;
    private static final byte[] SCHEME = "\"data:".getBytes(StandardCharsets.US_ASCII);
    private static final byte[] ENCODING = ";base64,".getBytes(StandardCharsets.US_ASCII);

    private final ByteBuf body;
    private int bytes;

    InlineMedia(ByteBuf body) {
        this.body = body;
    }

    /** Reads the value that a parser of the body has just begun to its end, and notes the media in it. */
    void skip(JsonParser parser) {
        if (body.readableBytes() < SMALLEST_BODY || !parser.currentToken().isStructStart()) {
            parser.skipChildren();
            return;
        }
        int depth = 1;
        while (depth > 0) {
            JsonToken token = parser.nextToken();
            if (token == JsonToken.VALUE_STRING) {
                token = string(parser);
            }
            depth += change(token);
        }
    }

    /** Goes on behind a text and returns what follows; texts that follow each other are elements of one array. */
    private @Nullable JsonToken string(JsonParser parser) {
        JsonToken next = JsonToken.VALUE_STRING;
        while (next == JsonToken.VALUE_STRING) {
            int start = offset(parser);
            boolean url = isUrl(body.readerIndex() + start);
            next = parser.nextToken();
            bytes += url ? offset(parser) - start : 0;
        }
        return next;
    }

    private static int change(@Nullable JsonToken token) {
        if (token == null) {
            return Integer.MIN_VALUE;
        }
        if (token.isStructStart()) {
            return 1;
        }
        return token.isStructEnd() ? -1 : 0;
    }

    private static int offset(JsonParser parser) {
        return (int) parser.currentTokenLocation().getByteOffset();
    }

    private boolean isUrl(int at) {
        return is(SCHEME, at) && hasEncoding(at + SCHEME.length);
    }

    private boolean hasEncoding(int from) {
        int comma = body.indexOf(from, Math.min(from + LONGEST_TYPE, body.writerIndex()), (byte) ',');
        return comma >= 0 && is(ENCODING, comma + 1 - ENCODING.length);
    }

    private boolean is(byte[] expected, int at) {
        if (at + expected.length > body.writerIndex()) {
            return false;
        }
        for (int i = 0; i < expected.length; i++) {
            if (body.getByte(at + i) != expected[i]) {
                return false;
            }
        }
        return true;
    }

    /** Returns the bytes of JSON that were media, so that an estimate by bytes can leave them out. */
    int bytes() {
        return bytes;
    }
}
