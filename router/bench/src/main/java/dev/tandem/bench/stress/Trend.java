// SPDX-License-Identifier: Apache-2.0
package dev.tandem.bench.stress;

import dev.tandem.bench.Samples;
import java.util.List;

/**
 * Whether something grows, judged by values at equal distances. The first quarter is a warm-up and does not count.
 * Immutable.
 *
 * @param values In the order of time.
 */
record Trend(List<Double> values) {
    private static final int FEWEST = 8;

    Trend {
        values = List.copyOf(values);
    }

    /** Returns the median of the last quarter, in percent of that of the second one; NaN with fewer than 8 values. */
    double percent() {
        if (values.size() < FEWEST) {
            return Double.NaN;
        }
        int quarter = values.size() / 4;
        double second = Samples.median(values.subList(quarter, 2 * quarter));
        return 100 * last() / second;
    }

    /** Returns the median of the last quarter. */
    double last() {
        return Samples.median(values.subList(values.size() - Math.max(1, values.size() / 4), values.size()));
    }

    /** Returns by how much the straight line that fits the second half best rises over it (least squares). */
    double rise() {
        List<Double> half = values.subList(values.size() / 2, values.size());
        double middle = (half.size() - 1) / 2.0;
        double mean = half.stream().mapToDouble(Double::doubleValue).average().orElse(Double.NaN);
        double products = 0;
        double squares = 0;
        for (int i = 0; i < half.size(); i++) {
            products += (i - middle) * (half.get(i) - mean);
            squares += (i - middle) * (i - middle);
        }
        return squares == 0 ? Double.NaN : products / squares * (half.size() - 1);
    }
}
