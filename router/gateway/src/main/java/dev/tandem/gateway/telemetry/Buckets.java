// SPDX-License-Identifier: Apache-2.0
package dev.tandem.gateway.telemetry;

import java.time.Duration;
import java.util.Arrays;
import java.util.List;

/**
 * Upper bounds of the histograms' buckets. Fixed: a quantile over two gateways, or over two releases, needs the same
 * bounds. Each scale spans what the thing measured can be, from a cached prompt on a GPU to a long answer on a laptop.
 */
enum Buckets {
    /** Routing: 1 µs to 10 ms. */
    DECISION(1_000, 2_000, 5_000, 10_000, 20_000, 50_000, 100_000, 200_000, 500_000, 1_000_000, 2_000_000, 10_000_000),
    /** Between pieces of a stream: 1 ms to 10 s, close steps where engines usually are. */
    GAP(ms(1, 2, 5, 10, 15, 20, 30, 40, 50, 75, 100, 150, 200, 300, 500, 1_000, 2_500, 10_000)),
    /** Waiting: 1 ms to 30 s. */
    WAIT(ms(1, 5, 10, 25, 50, 100, 250, 500, 1_000, 2_500, 5_000, 10_000, 30_000)),
    /** To the first token: 5 ms to 2 minutes. */
    FIRST_TOKEN(
            ms(5, 10, 20, 40, 60, 80, 100, 150, 250, 500, 750, 1_000, 2_500, 5_000, 10_000, 30_000, 60_000, 120_000)),
    /** Holding what nobody fetches: the time limits of the protocols, 30 s to 8 minutes. */
    HOLD(ms(1, 30_000, 60_000, 300_000, 480_000)),
    /** Whole legs and requests: 5 ms to 1 hour. */
    WHOLE(ms(
            5, 10, 25, 50, 100, 250, 500, 1_000, 2_500, 5_000, 10_000, 20_000, 40_000, 60_000, 120_000, 300_000,
            900_000, 3_600_000));

    @SuppressWarnings("ImmutableEnumChecker") // made by List.of
    private final List<Duration> bounds;

    Buckets(long... nanos) {
        this.bounds = List.of(Arrays.stream(nanos).mapToObj(Duration::ofNanos).toArray(Duration[]::new));
    }

    /** Returns the bounds, ascending. */
    List<Duration> bounds() {
        return bounds;
    }

    /** Returns the bounds in seconds, ascending. */
    List<Double> seconds() {
        return bounds.stream().map(bound -> bound.toNanos() / 1e9).toList();
    }

    private static long[] ms(long... millis) {
        return Arrays.stream(millis).map(value -> value * 1_000_000).toArray();
    }
}
