// SPDX-License-Identifier: Apache-2.0
package dev.tandem.gateway.api;

import java.util.concurrent.atomic.AtomicLong;
import java.util.random.RandomGenerator;

/**
 * Makes the ids of requests: unique over the life of the process and over restarts. Thread-safe.
 *
 * <p>An id never holds text of a client: engines may parse addresses out of it (CVE-2026-116176).
 */
public final class RequestIds {
    private static final long STEP = 0x9E37_79B9_7F4A_7C15L;

    private final long seed;
    private final AtomicLong count = new AtomicLong();

    /** Starts a series at a random point. */
    public RequestIds(RandomGenerator random) {
        this.seed = random.nextLong();
    }

    /** Returns 16 hexadecimal digits: a step of a full-period sequence, mixed so that neighbours look unrelated. */
    public String next() {
        long x = seed + STEP * count.incrementAndGet();
        x = (x ^ (x >>> 30)) * 0xBF58_476D_1CE4_E5B9L;
        x = (x ^ (x >>> 27)) * 0x94D0_49BB_1331_11EBL;
        return java.util.HexFormat.of().toHexDigits(x ^ (x >>> 31));
    }
}
