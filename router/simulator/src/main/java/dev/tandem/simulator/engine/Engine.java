// SPDX-License-Identifier: Apache-2.0
package dev.tandem.simulator.engine;

import dev.tandem.core.time.Ticker;
import java.util.ArrayList;
import java.util.List;
import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.locks.LockSupport;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * One simulated engine with a thread of its own, on which everything that belongs to the model happens. Thread-safe.
 *
 * <p>What arrives while a step is under way waits for the next step; what is aborted leaves at once.
 */
public final class Engine implements AutoCloseable {
    private static final Logger log = LoggerFactory.getLogger(Engine.class);

    private final EngineShape shape;
    private final EngineStats stats;
    private final EngineCore core;
    private final Ticker ticker;
    private final Queue<Runnable> inbox = new ConcurrentLinkedQueue<>();
    private final Thread thread;
    private volatile boolean closed;

    private Engine(EngineShape shape, Ticker ticker) {
        this.shape = shape;
        this.ticker = ticker;
        this.stats = new EngineStats(shape.maxModelLength());
        this.core = new EngineCore(shape, stats);
        this.thread = Thread.ofPlatform().daemon().name("sim-engine").unstarted(this::loop);
    }

    /** Starts an engine. */
    public static Engine start(EngineShape shape, Ticker ticker) {
        Engine engine = new Engine(shape, ticker);
        engine.thread.start();
        return engine;
    }

    /** Returns the size and behaviour of this engine. */
    public EngineShape shape() {
        return shape;
    }

    /** Returns the live statistics. */
    public EngineStats stats() {
        return stats;
    }

    /**
     * Queues sequences, all of them before the next step, and returns what aborts them; sequences that have ended are
     * not affected.
     */
    public Runnable submit(List<SequenceRequest> requests) {
        long now = ticker.nanoTime();
        List<Sequence> sequences = new ArrayList<>(requests.size());
        tell(() -> requests.forEach(request -> sequences.add(core.add(request, now))));
        return () -> tell(() -> sequences.forEach(core::abort));
    }

    /** Counts a whole request of several samples; called by its owner when the last sample has ended. */
    public void countRequest(int samples, int longestAnswer) {
        stats.add(EngineHistogram.PARAMS_N, samples);
        stats.add(EngineHistogram.MAX_GENERATION_TOKENS, longestAnswer);
    }

    /** Ends all sequences with an error and stops the thread. */
    @Override
    public void close() {
        closed = true;
        LockSupport.unpark(thread);
    }

    private void tell(Runnable message) {
        inbox.add(message);
        LockSupport.unpark(thread);
    }

    private void loop() {
        try {
            while (!closed) {
                drainInbox();
                if (core.hasWork()) {
                    step();
                } else if (inbox.isEmpty() && !closed) {
                    LockSupport.park(this);
                }
            }
        } catch (RuntimeException e) {
            log.error("simulated engine died", e);
        } finally {
            closed = true;
            drainInbox();
            core.failAll();
        }
    }

    private void step() {
        long now = ticker.nanoTime();
        long end = now + core.beginStep(now);
        for (long left = end - now; left > 0 && !closed; left = end - ticker.nanoTime()) {
            LockSupport.parkNanos(this, left);
            drainInbox();
        }
        core.finishStep(ticker.nanoTime());
    }

    /** Messages only fill the queue and remove sequences, so they may be taken in the middle of a step. */
    private void drainInbox() {
        for (Runnable message = inbox.poll(); message != null; message = inbox.poll()) {
            message.run();
        }
    }
}
