// SPDX-License-Identifier: Apache-2.0
package dev.tandem.simulator.wire;

import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/** The parts of a {@code multipart/form-data} body by name; of equal names the last one counts. Immutable. */
public final class MultipartForm {
    private static final Pattern BOUNDARY = Pattern.compile("boundary=\"?([^\";]+)\"?");
    private static final Pattern NAME = Pattern.compile("[; ]name=\"([^\"]*)\"");

    private final Map<String, byte[]> parts;

    private MultipartForm(Map<String, byte[]> parts) {
        this.parts = parts;
    }

    /** Parses a body; one that is no form has no parts. */
    public static MultipartForm parse(byte[] body, @Nullable String contentType) {
        Map<String, byte[]> parts = new LinkedHashMap<>();
        Matcher boundary = BOUNDARY.matcher(contentType == null ? "" : contentType);
        if (boundary.find()) {
            byte[] delimiter = ("--" + boundary.group(1)).getBytes(StandardCharsets.ISO_8859_1);
            int from = indexOf(body, delimiter, 0);
            while (from >= 0) {
                int start = from + delimiter.length + 2;
                int end = indexOf(body, delimiter, start);
                if (end > start) {
                    addPart(parts, Arrays.copyOfRange(body, start, end - 2));
                }
                from = end;
            }
        }
        return new MultipartForm(parts);
    }

    /** Returns the bytes of a part, or null. */
    public byte @Nullable [] bytes(String name) {
        return parts.get(name);
    }

    /** Returns the text of a part, or null. */
    public @Nullable String text(String name) {
        byte[] part = parts.get(name);
        return part == null ? null : new String(part, StandardCharsets.UTF_8);
    }

    private static void addPart(Map<String, byte[]> parts, byte[] part) {
        int headers = indexOf(part, new byte[] {'\r', '\n', '\r', '\n'}, 0);
        if (headers < 0) {
            return;
        }
        Matcher name = NAME.matcher(new String(part, 0, headers, StandardCharsets.UTF_8));
        if (name.find()) {
            parts.put(name.group(1), Arrays.copyOfRange(part, headers + 4, part.length));
        }
    }

    private static int indexOf(byte[] body, byte[] wanted, int from) {
        for (int at = from; at <= body.length - wanted.length; at++) {
            if (body[at] == wanted[0] && Arrays.equals(body, at, at + wanted.length, wanted, 0, wanted.length)) {
                return at;
            }
        }
        return -1;
    }
}
