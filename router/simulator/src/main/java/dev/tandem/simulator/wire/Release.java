// SPDX-License-Identifier: Apache-2.0
package dev.tandem.simulator.wire;

import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * A release of vLLM, as far as it decides what a connector does. Immutable.
 *
 * @param major First number.
 * @param minor Second number.
 */
public record Release(int major, int minor) {
    private static final Pattern NUMBERS = Pattern.compile("(\\d{1,6})\\.(\\d{1,6})\\b.*");

    /** Reads a version such as {@code 0.13.0}; throws {@link IllegalArgumentException} for anything else. */
    public static Release of(String version) {
        Matcher numbers = NUMBERS.matcher(version);
        if (!numbers.matches()) {
            throw new IllegalArgumentException("sim-version: " + version + " (expected: such as 0.13.0)");
        }
        return new Release(Integer.parseInt(numbers.group(1)), Integer.parseInt(numbers.group(2)));
    }

    /** Returns true for this release of vLLM 0 and all later ones. */
    public boolean since(int zeroDot) {
        return major > 0 || minor >= zeroDot;
    }
}
