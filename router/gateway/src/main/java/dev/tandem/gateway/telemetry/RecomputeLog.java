// SPDX-License-Identifier: Apache-2.0
package dev.tandem.gateway.telemetry;

import dev.tandem.core.disagg.HandoverProof;
import dev.tandem.core.fleet.Worker;
import dev.tandem.core.lifecycle.RequestListener;
import dev.tandem.core.time.Ticker;
import java.time.Duration;
import java.util.concurrent.atomic.AtomicLong;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Warns of decode workers that compute what they were handed over, which changes no answer and costs the whole prompt.
 * One line per pair and pause, with the number of those since the last. Thread-safe.
 */
public final class RecomputeLog implements RequestListener {
    static final Duration PAUSE = Duration.ofMinutes(5);

    private static final Logger LOG = LoggerFactory.getLogger(RecomputeLog.class);

    private final Ticker ticker;
    private final CappedNames<Warnings> pairs;

    /** Makes a log that has warned of nothing. */
    public RecomputeLog(Ticker ticker) {
        this.ticker = ticker;
        this.pairs = new CappedNames<>(
                MeterListener.MAX_PAIRS, pair -> new Warnings(new AtomicLong(ticker.nanoTime()), new AtomicLong()));
    }

    @Override
    public void onProved(String connector, Worker prefill, Worker decode, HandoverProof proof) {
        if (!proof.recomputed()) {
            return;
        }
        Warnings warnings = pairs.get(MeterTag.pair(prefill, decode));
        long count = warnings.count.incrementAndGet();
        long now = ticker.nanoTime();
        long due = warnings.due.get();
        if (now - due >= 0 && warnings.due.compareAndSet(due, now + PAUSE.toNanos())) {
            warnings.count.addAndGet(-count);
            LOG.warn(
                    "decode worker computes what it was handed over prefill={} decode={} connector={} found={} of={}"
                            + " times={}",
                    prefill.id(),
                    decode.id(),
                    connector,
                    proof.found(),
                    proof.owed(),
                    count);
        }
    }

    /**
     * What is to be said of one pair.
     *
     * @param due ticker's time from which on a line may be written, nanoseconds
     * @param count hand-overs of which no line has told
     */
    private record Warnings(AtomicLong due, AtomicLong count) {}
}
