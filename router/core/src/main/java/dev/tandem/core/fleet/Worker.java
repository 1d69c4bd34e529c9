// SPDX-License-Identifier: Apache-2.0
package dev.tandem.core.fleet;

import java.net.URI;
import java.util.regex.Pattern;

/**
 * One engine endpoint that can serve requests. Immutable; equal by its components.
 *
 * @param id name in logs, headers and metrics: lower-case letters, digits and hyphens, at most 63
 * @param baseUrl scheme, host and port; the path is empty
 * @param role what the worker is for
 */
public record Worker(String id, URI baseUrl, Role role) {
    private static final Pattern ID = Pattern.compile("[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?");

    /** Checks the id. */
    public Worker {
        if (!ID.matcher(id).matches()) {
            throw new IllegalArgumentException("worker id: " + id + " (expected: " + ID.pattern() + ")");
        }
    }
}
