// SPDX-License-Identifier: Apache-2.0
package dev.tandem.gateway.answer;

import io.netty.buffer.ByteBuf;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.regex.Pattern;

/**
 * Judges the first frame of a stream, piece by piece. Confined to one request.
 *
 * <p>An engine that fails before its first token, also one that could not read a KV cache, has answered 200 by then and
 * says so in the first frame. Source: vLLM 0.32.0, recorded 2026-11-21.
 */
final class FirstFrame {
    private static final List<String> ERRORS = List.of("data: {\"error\"", "data:{\"error\"", "event: error");

    /** The request's own fault: nobody else would do better. */
    private static final Pattern REJECTION = Pattern.compile("\"code\": ?4\\d\\d\\b");

    private static final int MAX_BYTES = 4096;

    private final StringBuilder seen = new StringBuilder();

    /** Sees the next piece; reads from it, keeps no reference. */
    Verdict accept(ByteBuf piece) {
        int length = Math.min(piece.readableBytes(), MAX_BYTES - seen.length());
        seen.append(piece.toString(piece.readerIndex(), length, StandardCharsets.ISO_8859_1));
        if (ERRORS.stream().noneMatch(this::mayBe)) {
            return Verdict.BEGUN;
        }
        if (seen.indexOf("\n\n") < 0 && seen.length() < MAX_BYTES) {
            return Verdict.UNKNOWN;
        }
        return REJECTION.matcher(seen).find() ? Verdict.BEGUN : Verdict.FAILED;
    }

    private boolean mayBe(String error) {
        int length = Math.min(error.length(), seen.length());
        return error.regionMatches(0, seen.toString(), 0, length);
    }

    /** What is known of a stream. */
    enum Verdict {
        /** Too little has come. */
        UNKNOWN,
        /** The stream goes to the client. */
        BEGUN,
        /** The engine has failed. */
        FAILED
    }
}
