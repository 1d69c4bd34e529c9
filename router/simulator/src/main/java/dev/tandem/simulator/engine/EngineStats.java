// SPDX-License-Identifier: Apache-2.0
package dev.tandem.simulator.engine;

import java.util.EnumMap;
import java.util.Map;
import java.util.Objects;

/** What an engine has done so far and does now. Thread-safe; written by the engine's thread, read as a copy. */
public final class EngineStats {
    private final Map<EngineCounter, Long> counters = new EnumMap<>(EngineCounter.class);
    private final Map<EngineHistogram, Histogram> histograms = new EnumMap<>(EngineHistogram.class);
    private final Map<Finish, Long> finished = new EnumMap<>(Finish.class);
    private int running;
    private int waiting;
    private double kvUsage;

    private final int maxModelLength;

    EngineStats(int maxModelLength) {
        this.maxModelLength = maxModelLength;
        for (EngineHistogram histogram : EngineHistogram.values()) {
            histograms.put(histogram, histogram.create(maxModelLength));
        }
    }

    /** Returns a copy that does not change any more. */
    public synchronized EngineStats copy() {
        EngineStats copy = new EngineStats(maxModelLength);
        copy.counters.putAll(counters);
        histograms.forEach((name, histogram) -> copy.histograms.put(name, histogram.copy()));
        copy.finished.putAll(finished);
        copy.running = running;
        copy.waiting = waiting;
        copy.kvUsage = kvUsage;
        return copy;
    }

    /** Returns a counter. */
    public synchronized long count(EngineCounter counter) {
        return counters.getOrDefault(counter, 0L);
    }

    /** Returns how many sequences ended for this reason; aborts are not counted, as in vLLM 0.32. */
    public synchronized long finished(Finish finish) {
        return finished.getOrDefault(finish, 0L);
    }

    /** Returns a distribution; of a {@link #copy()}, it does not change any more. */
    public synchronized Histogram histogram(EngineHistogram histogram) {
        return Objects.requireNonNull(histograms.get(histogram));
    }

    /** Returns the number of sequences in the batch. */
    public synchronized int running() {
        return running;
    }

    /** Returns the number of sequences in the queue. */
    public synchronized int waiting() {
        return waiting;
    }

    /** Returns the share of KV blocks that running sequences use, 0 to 1. */
    public synchronized double kvUsage() {
        return kvUsage;
    }

    synchronized void add(EngineCounter counter, long tokens) {
        counters.merge(counter, tokens, Long::sum);
    }

    synchronized void add(EngineHistogram histogram, double value) {
        Histogram values = histograms.get(histogram);
        if (values != null) {
            values.add(value);
        }
    }

    synchronized void countFinished(Finish finish) {
        finished.merge(finish, 1L, Long::sum);
    }

    synchronized void load(int nowRunning, int nowWaiting, double nowKvUsage) {
        running = nowRunning;
        waiting = nowWaiting;
        kvUsage = nowKvUsage;
    }
}
