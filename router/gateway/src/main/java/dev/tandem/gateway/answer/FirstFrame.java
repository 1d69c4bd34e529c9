// SPDX-License-Identifier: Apache-2.0
package dev.tandem.gateway.answer;

import io.netty.buffer.ByteBuf;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.regex.Pattern;

/**
 * Judges the first frame of a stream, piece by piece. Confined to one request.
 *
 * <p>Half a frame is not passed on: who fails inside it can still be replaced. An engine that fails before its first
 * token, also one that could not read a KV cache, has answered 200 by then and says so in the first frame. Source: vLLM
 * 0.32.0, recorded 2026-11-21. What stands between the gateway and an engine may answer 200 with a page.
 */
final class FirstFrame {
    private static final List<String> ERRORS = List.of("data: {\"error\"", "data:{\"error\"", "event: error");

    /** The request's own fault: nobody else would do better. */
    private static final Pattern REJECTION = Pattern.compile("\"code\": ?4\\d\\d\\b");

    /** How a stream of events may begin, or JSON from an engine that does not stream. */
    private static final Pattern STREAM =
            Pattern.compile("(\u00ef\u00bb\u00bf)?((data|event|id|retry)[:\r\n]|:|[\r\n])");

    private static final Pattern JSON = Pattern.compile("\\s*[{\\[]");
    private static final int MAX_BYTES = 4096;

    private final StringBuilder seen = new StringBuilder();

    /** Sees the next piece; reads from it, keeps no reference. */
    Verdict accept(ByteBuf piece) {
        int length = Math.min(piece.readableBytes(), MAX_BYTES - seen.length());
        seen.append(piece.toString(piece.readerIndex(), length, StandardCharsets.ISO_8859_1));
        if (seen.indexOf("\n\n") < 0 && seen.indexOf("\r\n\r\n") < 0 && seen.length() < MAX_BYTES) {
            return Verdict.UNKNOWN;
        }
        boolean failed = ERRORS.stream().anyMatch(error -> seen.indexOf(error) == 0)
                && !REJECTION.matcher(seen).find();
        boolean none = !STREAM.matcher(seen).lookingAt() && !whole();
        return failed || none || GivenUp.in(seen) ? Verdict.FAILED : Verdict.BEGUN;
    }

    /** Returns what has been seen, in single bytes. */
    CharSequence seen() {
        return seen;
    }

    /** Whether what has been seen may be a whole answer, which needs no blank line at its end. */
    boolean whole() {
        return JSON.matcher(seen).lookingAt();
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
