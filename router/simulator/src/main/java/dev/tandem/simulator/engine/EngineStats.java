// SPDX-License-Identifier: Apache-2.0
package dev.tandem.simulator.engine;

import java.util.EnumMap;
import java.util.Map;
import java.util.Objects;

/** What an engine has done so far and does now. Thread-safe; written by the engine's thread, read as a copy. */
public final class EngineStats {
    /** KV of one token and memory regions of one block of the model that was recorded: two layers of 128. */
    private static final int BYTES_PER_TOKEN = 1_024;

    private static final int REGIONS_PER_BLOCK = 2;

    private final Map<EngineCounter, Long> counters = new EnumMap<>(EngineCounter.class);
    private final Map<EngineHistogram, Histogram> histograms = new EnumMap<>(EngineHistogram.class);
    private final Map<Finish, Long> finished = new EnumMap<>(Finish.class);
    private int running;
    private int waiting;
    private int deferred;
    private int kept;
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
        copy.deferred = deferred;
        copy.kept = kept;
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

    /** Returns the number of sequences in the queue, deferred ones included. */
    public synchronized int waiting() {
        return waiting;
    }

    /** Returns the number of sequences that wait for KV from another engine. */
    public synchronized int deferred() {
        return deferred;
    }

    /** Returns the number of ended sequences whose KV is kept for another engine. */
    public synchronized int kept() {
        return kept;
    }

    /** Returns the share of KV blocks that are in use, 0 to 1; blocks kept for other engines are. */
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

    synchronized void load(int nowRunning, int nowQueued, int nowDeferred) {
        running = nowRunning;
        waiting = nowQueued + nowDeferred;
        deferred = nowDeferred;
    }

    synchronized void memory(int nowKept, double nowKvUsage) {
        kept = nowKept;
        kvUsage = nowKvUsage;
    }

    /** Counts a sequence that gets its first token. */
    void onFirstToken(Sequence sequence) {
        int prompt = sequence.promptLength();
        int cached = sequence.admitted.cachedTokens();
        int external = sequence.admitted.externalTokens();
        add(EngineCounter.PROMPT, prompt);
        add(EngineCounter.PROMPT_COMPUTED, prompt - cached);
        add(EngineCounter.PROMPT_LOCAL_HIT, cached - external);
        add(EngineCounter.PROMPT_EXTERNAL, external);
        add(EngineHistogram.FIRST_TOKEN, seconds(sequence.firstTokenNanos - sequence.arrivalNanos));
    }

    /** Counts a sequence that has ended with a token. */
    void onFinished(Sequence sequence, Finish finish, long nowNanos) {
        int generated = sequence.generated();
        double decode = seconds(nowNanos - sequence.firstTokenNanos);
        countFinished(finish);
        add(EngineHistogram.PROMPT_TOKENS, sequence.promptLength());
        add(EngineHistogram.GENERATION_TOKENS, generated);
        add(EngineHistogram.PARAMS_MAX_TOKENS, sequence.request.limits().maxTokens());
        add(EngineHistogram.PER_OUTPUT_TOKEN, generated > 1 ? decode / (generated - 1) : 0);
        add(EngineHistogram.END_TO_END, seconds(nowNanos - sequence.arrivalNanos));
        add(EngineHistogram.QUEUE_TIME, seconds(sequence.scheduledNanos - sequence.arrivalNanos));
        add(EngineHistogram.INFERENCE_TIME, seconds(nowNanos - sequence.scheduledNanos));
        add(EngineHistogram.PREFILL_TIME, seconds(sequence.firstTokenNanos - sequence.scheduledNanos));
        add(EngineHistogram.DECODE_TIME, decode);
        add(EngineHistogram.PREEMPTIONS, sequence.preemptions);
        add(EngineHistogram.COMPUTED_TOKENS, sequence.promptLength() - sequence.admitted.cachedTokens());
    }

    /** Counts a fetch from another engine that has brought blocks of this size. */
    void onFetched(Handover.Fetched fetched, int blockSize) {
        add(EngineHistogram.POST_TIME, seconds(fetched.postNanos()));
        add(EngineHistogram.TRANSFER_TIME, seconds(fetched.transferNanos()));
        add(EngineHistogram.TRANSFER_BYTES, (double) fetched.blocks().size() * blockSize * BYTES_PER_TOKEN);
        add(EngineHistogram.DESCRIPTORS, fetched.blocks().size() * REGIONS_PER_BLOCK);
    }

    private static double seconds(long nanos) {
        return nanos / 1e9;
    }
}
