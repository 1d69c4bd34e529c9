// SPDX-License-Identifier: Apache-2.0
package dev.tandem.gateway.edge;

import dev.tandem.core.failure.Failure;
import dev.tandem.core.failure.FailureException;
import io.netty.util.ByteProcessor;
import org.jspecify.annotations.Nullable;

/**
 * Reads the bytes of a head for what cannot be seen any more once it has been decoded: line ends, the spaces of the
 * request line, folded lines, control characters. Confined to one connection.
 *
 * <p>It looks at every byte once and knows only lines; what they mean is the decoder's business.
 */
final class HeadBytes implements ByteProcessor {
    /** Empty lines before a request line; RFC 9112, section 2.2, asks for one. */
    private static final int MAX_EMPTY_LINES = 4;

    private static final byte DELETE = 0x7F;

    private enum Place {
        BEFORE_LINE,
        REQUEST_LINE,
        HEADER_BEGIN,
        HEADER
    }

    private final int maxHeaders;
    private Place place = Place.BEFORE_LINE;
    private boolean carriageReturn;
    private int emptyLines;
    private int spaces;
    private int headers;
    private byte last;
    private @Nullable FailureException refusal;

    HeadBytes(int maxHeaders) {
        this.maxHeaders = maxHeaders;
    }

    /** Whether a request line has begun and the head is not at its end. */
    boolean begun() {
        return place != Place.BEFORE_LINE;
    }

    /** Returns why the head is refused, or null while it is not. */
    @Nullable
    FailureException refusal() {
        return refusal;
    }

    /** Begins anew with the next head. */
    void reset() {
        place = Place.BEFORE_LINE;
        carriageReturn = false;
        emptyLines = 0;
        spaces = 0;
        headers = 0;
    }

    @Override
    public boolean process(byte value) {
        if (place == Place.HEADER && value >= ' ' && value != DELETE && !carriageReturn) {
            return true; // nearly all bytes
        }
        refusal = carriageReturn ? afterCarriageReturn(value) : judge(value);
        last = value;
        return refusal == null;
    }

    private @Nullable FailureException afterCarriageReturn(byte value) {
        carriageReturn = false;
        if (value != '\n') {
            return malformed("a carriage return stands alone");
        }
        if (place == Place.BEFORE_LINE) {
            return ++emptyLines > MAX_EMPTY_LINES ? malformed("too many empty lines") : null;
        }
        if (place == Place.REQUEST_LINE && spaces != 2) {
            return malformed("request line: not a method, a target and a version with one space between them");
        }
        place = Place.HEADER_BEGIN;
        return null;
    }

    private @Nullable FailureException judge(byte value) {
        if (value == '\r') {
            carriageReturn = true;
            return null;
        }
        if (value == '\n') {
            return malformed("a line ends without a carriage return");
        }
        if ((value >= 0 && value < ' ' && value != '\t') || value == DELETE) {
            return malformed("a control character");
        }
        return switch (place) {
            case BEFORE_LINE, REQUEST_LINE -> inRequestLine(value);
            case HEADER_BEGIN -> beginHeader(value);
            case HEADER -> null;
        };
    }

    private @Nullable FailureException inRequestLine(byte value) {
        boolean first = place == Place.BEFORE_LINE;
        place = Place.REQUEST_LINE;
        if (value < 0 || value == '\t') {
            return malformed("request line: a character that does not belong there");
        }
        if (value != ' ') {
            return null;
        }
        spaces++;
        return first || last == ' ' || spaces > 2 ? malformed("request line: a space too many") : null;
    }

    private @Nullable FailureException beginHeader(byte value) {
        place = Place.HEADER;
        if (value == ' ' || value == '\t') {
            return malformed("a folded header line");
        }
        return ++headers > maxHeaders
                ? new FailureException(Failure.HEADERS_TOO_LARGE, "headers: more than " + maxHeaders)
                : null;
    }

    private static FailureException malformed(String detail) {
        return new FailureException(Failure.MALFORMED_REQUEST, detail);
    }
}
