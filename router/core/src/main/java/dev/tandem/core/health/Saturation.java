// SPDX-License-Identifier: Apache-2.0
package dev.tandem.core.health;

import dev.tandem.core.time.Ticker;
import org.jspecify.annotations.Nullable;

/**
 * Whether an engine has as many requests as it should, by what it last said of itself and what it has got since.
 * Thread-safe.
 *
 * <p>An engine is saturated when {@code queued ≥ max(queue, 0.15 × running)}, or when its KV cache is used up to
 * {@code kvUsage} by requests that run. {@code queued} is what waited when it was asked, and what the gateway has sent
 * more than has ended since. Behind an empty queue that much goes into free room first, which is {@code seats −
 * running}: an engine has shown its seats when a request waited while {@code running} did not. Seats count as doubled
 * when as many run and none waits, and as unlimited before the first queue. Who has said nothing for {@code maxAge} is
 * not saturated.
 *
 * <p>Source of the thresholds: llm-d's saturation detector, 5 requests and 0.8 of the KV cache, and simulations in
 * which 0.15 of the most requests of a batch and 0.95 admitted everything that the default had refused; inference-sim,
 * 2026-05-19. That a full KV cache counts only while requests run is ours: nothing else would ever free it.
 */
public final class Saturation {
    private static final double SHARE = 0.15;
    private static final int UNLIMITED = Integer.MAX_VALUE;

    private final Ticker ticker;
    private volatile @Nullable Sample sample;

    /** Guarded by this. */
    private int seats = UNLIMITED;

    /** Makes one of an engine that has said nothing. */
    public Saturation(Ticker ticker) {
        this.ticker = ticker;
    }

    /**
     * The engine is about to be asked.
     *
     * @param sent requests that the gateway has on it
     */
    public Question ask(int sent) {
        return new Question(sent, ticker.nanoTime());
    }

    /** Whether the engine has said something since it came. */
    public boolean sampled() {
        return sample != null;
    }

    /**
     * Whether the engine is saturated. Reads the clock only when it has said something.
     *
     * @param sent requests that the gateway has on it
     */
    public boolean now(int sent, SaturationSettings settings) {
        Sample last = sample;
        if (last == null || ticker.nanoTime() - last.nanos > settings.maxAge().toNanos()) {
            return false;
        }
        EngineLoad load = last.load;
        long queued = load.waiting() - last.room + sent - last.sent;
        boolean cacheFull = load.running() > 0 && load.kvUsage() >= settings.kvUsage();
        return cacheFull || queued >= Math.max(settings.queue(), SHARE * load.running());
    }

    /** Another engine is there now. */
    public synchronized void clear() {
        seats = UNLIMITED;
        sample = null;
    }

    private synchronized void answered(Question question, EngineLoad load) {
        if (load.waiting() > 0) {
            seats = Math.max(1, load.running());
        } else if (load.running() >= seats) {
            seats = 2 * load.running();
        }
        long room = load.waiting() > 0 ? 0 : Math.max(0, seats - load.running());
        sample = new Sample(load, question.sent, question.nanos, room);
    }

    /** A question to the engine. Thread-safe. */
    public final class Question {
        private final int sent;
        private final long nanos;

        private Question(int sent, long nanos) {
            this.sent = sent;
            this.nanos = nanos;
        }

        /** The engine has answered. */
        public void answered(EngineLoad load) {
            Saturation.this.answered(this, load);
        }
    }

    /** What the engine has said, and what it had and had room for when it was asked. Immutable. */
    private record Sample(EngineLoad load, int sent, long nanos, long room) {}
}
