// SPDX-License-Identifier: Apache-2.0
package dev.tandem.gateway.telemetry;

import dev.tandem.core.lifecycle.RequestRecord;
import org.jspecify.annotations.Nullable;

/** One flat JSON object, written member by member into one buffer. Confined to the thread that makes it. */
final class JsonLine {
    private static final String HEX = "0123456789abcdef";

    private final StringBuilder out;

    JsonLine(int capacity) {
        out = new StringBuilder(capacity).append('{');
    }

    /** Appends a string, or null. */
    JsonLine text(String name, @Nullable String value) {
        name(name);
        if (value == null) {
            out.append("null");
        } else {
            quote(value);
        }
        return this;
    }

    /** Appends a whole number, or null for {@link RequestRecord#UNKNOWN}. */
    JsonLine number(String name, long value) {
        name(name);
        if (value == RequestRecord.UNKNOWN) {
            out.append("null");
        } else {
            out.append(value);
        }
        return this;
    }

    /** Appends nanoseconds as milliseconds with three decimals, or null for {@link RequestRecord#UNKNOWN}. */
    JsonLine millis(String name, long nanos) {
        name(name);
        if (nanos == RequestRecord.UNKNOWN) {
            out.append("null");
            return this;
        }
        long micros = nanos / 1_000;
        long rest = micros % 1_000;
        out.append(micros / 1_000).append('.');
        out.append((char) ('0' + rest / 100))
                .append((char) ('0' + (rest / 10) % 10))
                .append((char) ('0' + rest % 10));
        return this;
    }

    /** Closes the object and returns it. */
    String end() {
        return out.append('}').toString();
    }

    private void name(String name) {
        if (out.length() > 1) {
            out.append(',');
        }
        out.append('"').append(name).append("\":");
    }

    private void quote(String value) {
        out.append('"');
        for (int i = 0; i < value.length(); i++) {
            char c = value.charAt(i);
            if (c == '"' || c == '\\') {
                out.append('\\').append(c);
            } else if (plain(c)) {
                out.append(c);
            } else {
                escape(c);
            }
        }
        out.append('"');
    }

    // Terminals and log collectors act on more than JSON's own control characters: DEL, C1 and the line separators.
    private static boolean plain(char c) {
        if (c < 0x7f) {
            return c >= 0x20;
        }
        return c > 0x9f && c != '\u2028' && c != '\u2029' && !Character.isSurrogate(c);
    }

    private void escape(char c) {
        out.append("\\u")
                .append(HEX.charAt((c >> 12) & 0xf))
                .append(HEX.charAt((c >> 8) & 0xf))
                .append(HEX.charAt((c >> 4) & 0xf))
                .append(HEX.charAt(c & 0xf));
    }
}
