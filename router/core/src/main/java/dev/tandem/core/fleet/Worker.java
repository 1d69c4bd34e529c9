// SPDX-License-Identifier: Apache-2.0
package dev.tandem.core.fleet;

import java.net.URI;
import java.util.regex.Pattern;

/**
 * One engine endpoint that can serve requests; with data parallelism one rank of it. Immutable; equal by its
 * components.
 *
 * @param id name in logs, headers and metrics: lower-case letters, digits and hyphens, at most 63; that of a rank ends
 *     in {@code @} and its number
 * @param baseUrl scheme, host and port; the path is empty
 * @param role what the worker is for
 * @param rank data parallel rank behind the URL, from 0; {@link #ONLY} for a worker that is the whole endpoint
 */
public record Worker(String id, URI baseUrl, Role role, int rank) {
    /** The rank of a worker that has no ranks. */
    public static final int ONLY = -1;

    private static final Pattern ID = Pattern.compile("[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?");

    /** Checks the id. */
    public Worker {
        if (rank < ONLY) {
            throw new IllegalArgumentException("rank: " + rank + " (expected: >= -1)");
        }
        if (!ID.matcher(rank == ONLY ? id : endpoint(id, rank)).matches()) {
            throw new IllegalArgumentException("worker id: " + id + " (expected: " + ID.pattern() + ")");
        }
    }

    /** Makes a worker that is a whole endpoint. */
    public Worker(String id, URI baseUrl, Role role) {
        this(id, baseUrl, role, ONLY);
    }

    /** Returns one data parallel rank of this endpoint as a worker. */
    public Worker rank(int number) {
        return new Worker(id + "@" + number, baseUrl, role, number);
    }

    /** Returns the rank by which an engine counts its ports: 0 without ranks. */
    public int portOffset() {
        return Math.max(rank, 0);
    }

    private static String endpoint(String rankId, int rank) {
        String suffix = "@" + rank;
        return rankId.endsWith(suffix) ? rankId.substring(0, rankId.length() - suffix.length()) : "";
    }
}
