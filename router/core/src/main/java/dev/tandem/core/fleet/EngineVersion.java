// SPDX-License-Identifier: Apache-2.0
package dev.tandem.core.fleet;

import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * Version of an engine in its own words. Immutable; two are equal when their texts are.
 *
 * <p>vLLM's are releases ({@code 0.32.0}), candidates ({@code 0.24.0rc1}) and builds between two releases
 * ({@code 0.23.1rc1.dev5+gabc}), which may already have what the next release brings. Of any other text, such as
 * llama.cpp's {@code b11669}, nobody knows what came before it.
 *
 * @param text printable characters of ASCII, 1 to 100
 */
public record EngineVersion(String text) {
    private static final Pattern TEXT = Pattern.compile("[!-~]{1,100}");
    private static final Pattern RELEASE = Pattern.compile("v?(\\d{1,4})\\.(\\d{1,4})(?!\\d).*");

    /** Checks the text. */
    public EngineVersion {
        if (!TEXT.matcher(text).matches()) {
            throw new IllegalArgumentException(
                    "version of " + text.length() + " characters (expected: 1 to 100, printable)");
        }
    }

    /** Whether this is certainly that release or a later one. */
    public boolean atLeast(int major, int minor) {
        Matcher release = RELEASE.matcher(text);
        return release.matches() && compared(release, major, minor) >= 0;
    }

    /** Whether this is certainly older than that release; of a build right before it nobody knows. */
    public boolean before(int major, int minor) {
        Matcher release = RELEASE.matcher(text);
        int ahead = text.contains(".dev") ? 1 : 0;
        return release.matches() && compared(release, major, minor - ahead) < 0;
    }

    private static int compared(Matcher release, int major, int minor) {
        int byMajor = Integer.compare(Integer.parseInt(release.group(1)), major);
        return byMajor != 0 ? byMajor : Integer.compare(Integer.parseInt(release.group(2)), minor);
    }
}
