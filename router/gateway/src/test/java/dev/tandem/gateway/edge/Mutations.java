// SPDX-License-Identifier: Apache-2.0
package dev.tandem.gateway.edge;

import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.random.RandomGenerator;

/**
 * Proper requests with something changed: a byte, a word, a line, a number, where the grammar of HTTP has a seam. Each
 * is at most one request, however it is read. Confined to one thread.
 */
public final class Mutations {
    private static final List<String> BYTES = List.of(
            "\r",
            "\n",
            "\r\n",
            "\n\r",
            " ",
            "\t",
            "\u000b",
            "\f",
            "\u0000",
            ":",
            ";",
            ",",
            "\"",
            "/",
            "\\",
            "%",
            "#",
            "?",
            "@",
            "_",
            "-",
            "+",
            "0",
            "f",
            "\u007f",
            "\u0080",
            "\u00ff",
            "\r\n\r\n",
            "\r\n ",
            "0\r\n\r\n");
    private static final List<String> LINES = List.of(
            "Transfer-Encoding: chunked",
            "Transfer-Encoding: identity",
            "Content-Length: 0",
            "Content-Length: 5",
            "Content-Length: 32",
            "Host: other",
            "Connection: close",
            "Connection: keep-alive, x",
            "Expect: 100-continue",
            "Upgrade: h2c",
            "Trailer: x",
            "TE: trailers",
            "X: y",
            " x",
            "x",
            ": x");
    private static final List<String> BASES =
            RawCorpus.passing().stream().map(RawCorpus.Case::text).toList();

    private final RandomGenerator random;

    /** Makes a source of requests; the generator's seed decides them all. */
    public Mutations(RandomGenerator random) {
        this.random = random;
    }

    /** Returns the next request. */
    public byte[] next() {
        String text = BASES.get(random.nextInt(BASES.size()));
        int changes = 1 + random.nextInt(3);
        for (int i = 0; i < changes; i++) {
            text = change(text);
        }
        return text.getBytes(StandardCharsets.ISO_8859_1);
    }

    private String change(String text) {
        int at = random.nextInt(text.length());
        return switch (random.nextInt(7)) {
            case 0 -> text.substring(0, at) + pick(BYTES) + text.substring(at);
            case 1 -> text.substring(0, at) + pick(BYTES) + text.substring(Math.min(text.length(), at + 1));
            case 2 -> text.substring(0, at) + text.substring(Math.min(text.length(), at + 1 + random.nextInt(4)));
            case 3 -> text.substring(0, seam(text, at)) + pick(LINES) + "\r\n" + text.substring(seam(text, at));
            case 4 -> text.substring(0, seam(text, at)) + pick(BYTES) + text.substring(seam(text, at));
            case 5 -> text.substring(0, seam(text, at)) + line(text, at) + text.substring(seam(text, at));
            default -> text.substring(0, at) + text.substring(at).replaceFirst("\\d", digit());
        };
    }

    private String digit() {
        return Integer.toString(random.nextInt(10));
    }

    private String pick(List<String> from) {
        return from.get(random.nextInt(from.size()));
    }

    /** Returns where the line behind that place begins. */
    private static int seam(String text, int at) {
        int end = text.indexOf("\r\n", at);
        return end < 0 ? text.length() : end + 2;
    }

    /** Returns the line behind that place, with its end. */
    private static String line(String text, int at) {
        int begin = seam(text, at);
        return text.substring(begin, seam(text, begin));
    }
}
