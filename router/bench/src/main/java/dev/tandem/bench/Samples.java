// SPDX-License-Identifier: Apache-2.0
package dev.tandem.bench;

import java.util.Arrays;
import java.util.List;

/** A growing list of measurements with quantiles. Confined to one thread. */
public final class Samples {
    private long[] values = new long[1_024];
    private int size;

    public void add(long value) {
        if (size == values.length) {
            values = Arrays.copyOf(values, size * 2);
        }
        values[size++] = value;
    }

    public int size() {
        return size;
    }

    /** Returns a copy of the values from the given index on, in order of arrival. */
    Samples after(int index) {
        Samples rest = new Samples();
        rest.size = Math.max(0, size - index);
        rest.values = Arrays.copyOfRange(values, size - rest.size, size + 1);
        return rest;
    }

    /** Returns a copy. */
    Samples copy() {
        Samples copy = new Samples();
        copy.values = Arrays.copyOf(values, Math.max(1, size));
        copy.size = size;
        return copy;
    }

    /**
     * Returns the smallest value that at least {@code share} of all values do not exceed (nearest rank); NaN when there
     * are none.
     *
     * @param share Share of the values, in (0, 1].
     */
    public double quantile(double share) {
        if (share <= 0 || share > 1) {
            throw new IllegalArgumentException("share: " + share + " (expected: in (0, 1])");
        }
        if (size == 0) {
            return Double.NaN;
        }
        long[] sorted = Arrays.copyOf(values, size);
        Arrays.sort(sorted);
        return sorted[(int) Math.ceil(share * size) - 1];
    }

    /** Returns the median; the mean of the middle two for an even count, NaN for none. Ignores NaN. */
    public static double median(List<Double> values) {
        double[] sorted = values.stream()
                .mapToDouble(Double::doubleValue)
                .filter(value -> !Double.isNaN(value))
                .sorted()
                .toArray();
        if (sorted.length == 0) {
            return Double.NaN;
        }
        int middle = sorted.length / 2;
        return sorted.length % 2 == 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
    }
}
