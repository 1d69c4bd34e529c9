// SPDX-License-Identifier: Apache-2.0
package dev.tandem.simulator.engine;

import dev.tandem.core.time.Ticker;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Queue;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.locks.LockSupport;
import java.util.function.Supplier;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * One simulated engine with a thread of its own, on which everything that belongs to the model happens. Thread-safe.
 *
 * <p>What arrives while a step is under way waits for the next step; what is aborted leaves at once.
 */
public final class Engine implements AutoCloseable {
    private static final Logger log = LoggerFactory.getLogger(Engine.class);

    /** Pause when all that waits waits for blocks that others hold. */
    private static final long IDLE_NANOS = 500_000;

    private final EngineShape shape;
    private final EngineStats stats;
    private final EngineCore core;
    private final Ticker ticker;
    private final Queue<Runnable> inbox = new ConcurrentLinkedQueue<>();
    private final Thread thread;
    private volatile Runnable onDeath = () -> {};
    private volatile boolean closed;
    private volatile boolean over;

    private Engine(EngineShape shape, Ticker ticker) {
        this.shape = shape;
        this.ticker = ticker;
        this.stats = new EngineStats(shape.maxModelLength());
        this.core = new EngineCore(shape, stats, this::tell, ticker);
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

    /** Sets what happens, once, after the engine has died of a request. */
    public void onDeath(Runnable action) {
        onDeath = action;
    }

    /**
     * Queues sequences, all of them before the next step, and returns what aborts them; sequences that have ended are
     * not affected.
     */
    public Runnable submit(List<SequenceRequest> requests) {
        long now = ticker.nanoTime();
        List<Sequence> sequences = new ArrayList<>(requests.size());
        tell(() -> requests.forEach(request -> sequences.add(core.add(request, now))));
        if (over) {
            failRest();
        }
        return () -> tell(() -> sequences.forEach(core::abort));
    }

    /** Counts a whole request of several samples; called by its owner when the last sample has ended. */
    public void countRequest(int samples, int longestAnswer) {
        stats.add(EngineHistogram.PARAMS_N, samples);
        stats.add(EngineHistogram.MAX_GENERATION_TOKENS, longestAnswer);
    }

    /** Looks at once for kept KV and fetches whose time has ended; without this call that happens when it is due. */
    public void expireKept() {
        LockSupport.unpark(thread);
    }

    /** Reads what blocks hold now, whoever uses them; empty if one of them does not exist. */
    public CompletableFuture<List<Handover.Block>> read(List<Integer> blocks) {
        return ask(() -> core.memory().read(blocks));
    }

    /** Reads the cached blocks with which a prompt starts; only full ones before its last token. */
    public CompletableFuture<List<Handover.Block>> cached(int[] prompt, String salt) {
        return ask(() -> core.cached(prompt, salt));
    }

    /** Gives back the blocks that are kept under an id, because they were fetched. */
    public void dropKept(String id) {
        tell(() -> core.memory().dropKept(id));
    }

    /** Lets the lease of what is kept under an id last from now for this time at least. */
    public void extendKept(String id, Duration time) {
        long expiry = ticker.nanoTime() + time.toNanos();
        tell(() -> core.memory().extendKept(id, expiry));
    }

    /** Returns true if blocks are kept under an id. */
    public CompletableFuture<Boolean> keeps(String id) {
        return ask(() -> core.memory().keeps(id));
    }

    /** Ends all sequences with an error and stops the thread. */
    @Override
    public void close() {
        closed = true;
        LockSupport.unpark(thread);
    }

    private <T> CompletableFuture<T> ask(Supplier<T> question) {
        CompletableFuture<T> answer = new CompletableFuture<>();
        tell(() -> answer.complete(question.get()));
        if (over) {
            failRest();
        }
        return answer;
    }

    private void tell(Runnable message) {
        inbox.add(message);
        LockSupport.unpark(thread);
    }

    private void loop() {
        boolean died = false;
        try {
            while (!closed) {
                core.memory().expireKept(ticker.nanoTime());
                core.expireFetches(ticker.nanoTime());
                drainInbox();
                if (core.hasWork()) {
                    step();
                } else if (inbox.isEmpty() && !closed) {
                    LockSupport.parkNanos(this, core.nanosToExpiry(ticker.nanoTime()));
                }
            }
        } catch (RuntimeException e) {
            log.error("simulated engine died", e);
            died = true;
        } finally {
            closed = true;
            over = true;
            failRest();
        }
        if (died) {
            onDeath.run();
        }
    }

    /** Ends everything with an error; nothing runs any more, so any thread may do it. */
    private synchronized void failRest() {
        drainInbox();
        core.failAll();
    }

    private void step() {
        long now = ticker.nanoTime();
        long nanos = core.beginStep(now);
        if (core.isIdle()) {
            LockSupport.parkNanos(this, IDLE_NANOS);
            return;
        }
        long end = now + nanos;
        for (long left = nanos; left > 0 && !closed; left = end - ticker.nanoTime()) {
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
