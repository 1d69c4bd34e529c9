// SPDX-License-Identifier: Apache-2.0
package dev.tandem.simulator.text;

import java.io.ByteArrayOutputStream;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Turns tokens into text as it may be sent: holds back the bytes of an unfinished UTF-8 character and text that may
 * become a stop string, and ends at a stop string. Confined to the engine's thread.
 */
public final class TextAssembler {
    private final List<String> stops;
    private final boolean includeStop;
    private final int holdBack;
    private final StringBuilder held = new StringBuilder();
    private byte[] unfinished = {};
    private @Nullable String stop;

    /** Makes an assembler that ends at any of these strings. */
    public TextAssembler(List<String> stops, boolean includeStop) {
        this.stops = stops;
        this.includeStop = includeStop;
        this.holdBack = stops.stream().mapToInt(String::length).max().orElse(1) - 1;
    }

    /** Returns the stop string that ended the text; null if none was met. */
    public @Nullable String stop() {
        return stop;
    }

    /** Takes a token and returns the text that may be sent now. */
    public String add(int token) {
        if (token == Tokenizer.END) {
            return "";
        }
        held.append(finishedCharacters(Tokenizer.TOY.bytes(token)));
        return stops.isEmpty() ? take(held.length()) : takeBeforeStop();
    }

    /** Returns all text that is still held back. */
    public String flush() {
        if (stop == null && unfinished.length > 0) {
            held.append(new String(unfinished, StandardCharsets.UTF_8));
            unfinished = new byte[0];
        }
        return take(held.length());
    }

    private String takeBeforeStop() {
        int first = -1;
        for (String candidate : stops) {
            int at = held.indexOf(candidate);
            if (at >= 0 && (first < 0 || at < first)) {
                first = at;
                stop = candidate;
            }
        }
        if (stop == null) {
            return take(Math.max(0, held.length() - holdBack));
        }
        held.setLength(includeStop ? first + stop.length() : first);
        return take(held.length());
    }

    private String take(int length) {
        String text = held.substring(0, length);
        held.delete(0, length);
        return text;
    }

    private String finishedCharacters(byte[] next) {
        byte[] bytes = next;
        if (unfinished.length > 0) {
            ByteArrayOutputStream joined = new ByteArrayOutputStream();
            joined.writeBytes(unfinished);
            joined.writeBytes(next);
            bytes = joined.toByteArray();
        }
        int finished = bytes.length - unfinishedTail(bytes);
        unfinished = Arrays.copyOfRange(bytes, finished, bytes.length);
        return new String(bytes, 0, finished, StandardCharsets.UTF_8);
    }

    /** Returns how many bytes at the end belong to a character that is not complete. */
    private static int unfinishedTail(byte[] bytes) {
        for (int back = 1; back <= Math.min(3, bytes.length); back++) {
            int b = bytes[bytes.length - back] & 0xFF;
            if (b < 0x80) {
                return 0;
            }
            if (b >= 0xC0) {
                int length = b >= 0xF0 ? 4 : b >= 0xE0 ? 3 : 2;
                return back < length ? back : 0;
            }
        }
        return 0;
    }
}
