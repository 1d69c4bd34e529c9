// SPDX-License-Identifier: Apache-2.0
package dev.tandem.bench.stress;

import java.util.List;
import java.util.function.ToDoubleFunction;

/**
 * Something over time. Immutable.
 *
 * @param name What and in which unit.
 * @param points In the order of time.
 */
record Curve(String name, List<Point> points) {
    Curve {
        points = List.copyOf(points);
    }

    /**
     * One moment.
     *
     * @param seconds Since the beginning.
     * @param value What it was then.
     */
    record Point(double seconds, double value) {}

    static <T> Curve of(String name, List<T> samples, ToDoubleFunction<T> seconds, ToDoubleFunction<T> value) {
        return new Curve(
                name,
                samples.stream()
                        .map(sample -> new Point(seconds.applyAsDouble(sample), value.applyAsDouble(sample)))
                        .toList());
    }
}
