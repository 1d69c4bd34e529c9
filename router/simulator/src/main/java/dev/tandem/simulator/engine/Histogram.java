// SPDX-License-Identifier: Apache-2.0
package dev.tandem.simulator.engine;

/** Counts of values per bucket, with their sum. Not thread-safe; guarded by the statistics it belongs to. */
public final class Histogram {
    private final double[] bounds;
    private final long[] counts;
    private double sum;

    Histogram(double... bounds) {
        this.bounds = bounds;
        this.counts = new long[bounds.length + 1];
    }

    private Histogram(Histogram other) {
        this.bounds = other.bounds;
        this.counts = other.counts.clone();
        this.sum = other.sum;
    }

    /** Returns the number of bounds; one more bucket takes what lies above them. */
    public int size() {
        return bounds.length;
    }

    /** Returns an inclusive upper bound. */
    public double bound(int index) {
        return bounds[index];
    }

    /** Returns how many values are at most the bound; at {@link #size()} all of them. */
    public long cumulative(int index) {
        long count = 0;
        for (int i = 0; i <= index; i++) {
            count += counts[i];
        }
        return count;
    }

    /** Returns the sum of all values. */
    public double sum() {
        return sum;
    }

    Histogram copy() {
        return new Histogram(this);
    }

    void add(double value) {
        int bucket = 0;
        while (bucket < bounds.length && value > bounds[bucket]) {
            bucket++;
        }
        counts[bucket]++;
        sum += value;
    }
}
