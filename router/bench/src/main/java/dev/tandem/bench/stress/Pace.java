// SPDX-License-Identifier: Apache-2.0
package dev.tandem.bench.stress;

import java.util.ArrayList;
import java.util.List;
import java.util.function.ToDoubleFunction;

/** Answers as they have come: how many in each second, and the slowest of them. Thread-safe. */
final class Pace {
    private final long began;
    private final List<Second> seconds = new ArrayList<>();

    /** What has come in a second. */
    private static final class Second {
        private int answers;
        private long slowestNanos;
    }

    /** Makes one that begins at that time of this machine. */
    Pace(long began) {
        this.began = began;
    }

    /** An answer has come at that time, and has taken so long. */
    synchronized void note(long nanoTime, long nanos) {
        int second = (int) ((nanoTime - began) / 1_000_000_000L);
        while (seconds.size() <= second) {
            seconds.add(new Second());
        }
        Second now = seconds.get(second);
        now.answers++;
        now.slowestNanos = Math.max(now.slowestNanos, nanos);
    }

    synchronized Curve answers(String name) {
        return curve(name, second -> second.answers);
    }

    /** Returns the time of the slowest answer of each second in milliseconds. */
    synchronized Curve slowest(String name) {
        return curve(name, second -> second.slowestNanos / 1e6);
    }

    private Curve curve(String name, ToDoubleFunction<Second> value) {
        List<Curve.Point> points = new ArrayList<>();
        for (int i = 0; i < seconds.size(); i++) {
            points.add(new Curve.Point(i, value.applyAsDouble(seconds.get(i))));
        }
        return new Curve(name, points);
    }
}
