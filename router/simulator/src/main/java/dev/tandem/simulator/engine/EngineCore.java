// SPDX-License-Identifier: Apache-2.0
package dev.tandem.simulator.engine;

import dev.tandem.core.time.Ticker;
import dev.tandem.simulator.text.ContentHash;
import dev.tandem.simulator.text.Tokenizer;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import java.util.concurrent.Executor;
import org.jspecify.annotations.Nullable;

/**
 * Continuous batching in steps over a paged KV cache, driven from outside. Confined to one thread.
 *
 * <p>Each step has a token budget. Sequences that run come first, in their order: one token for those that decode, the
 * next chunk for those whose prompt is not computed yet. What is left goes to the queue, first come first served, as
 * long as there are seats and blocks. When blocks run out, the youngest running sequence goes back to the head of the
 * queue and is computed again later. This is vLLM 0.32's scheduler without priorities.
 */
final class EngineCore {
    /** vLLM's heartbeat: a sixth of the default lease of 30 s (nixl connector, since 2026-05-11). */
    private static final long HEARTBEAT_NANOS = 5_000_000_000L;

    private final EngineShape shape;
    private final KvMemory memory;
    private final ToyModel model;
    private final EngineStats stats;
    private final long root;
    private final List<Sequence> running = new ArrayList<>();
    private final Deque<Sequence> waiting = new ArrayDeque<>();
    private final Fetches fetches;
    /** Sequences that were aborted while the engine was stalled. */
    private final List<Sequence> left = new ArrayList<>();
    /** Sequences that will kill the engine. */
    private final List<Sequence> fatal = new ArrayList<>();

    private final List<Chunk> step = new ArrayList<>();
    private long saidWaitingNanos;
    private boolean dead;

    /** Makes a core; {@code ownThread} runs on its thread what comes from others. */
    EngineCore(EngineShape shape, EngineStats stats, Executor ownThread, Ticker ticker) {
        this.shape = shape;
        this.stats = stats;
        this.memory = new KvMemory(shape, stats);
        this.model = new ToyModel(shape.meanAnswer());
        this.root = ContentHash.of(shape.model());
        this.fetches = new Fetches(shape, memory, stats, ownThread, this::onFetchEnded, ticker);
    }

    /** Puts a sequence into the queue. */
    Sequence add(SequenceRequest request, long nowNanos) {
        Sequence sequence = new Sequence(request, root, nowNanos);
        if (waiting.isEmpty()) {
            saidWaitingNanos = nowNanos;
        }
        if (request.handover() instanceof Handover.Fatal) {
            fatal.add(sequence);
        } else {
            waiting.add(sequence);
        }
        publishLoad();
        return sequence;
    }

    /** Removes a sequence at once, whatever its state, unless the engine is stalled. */
    void abort(Sequence sequence) {
        if (sequence.aborted) {
            return;
        }
        if (fetches.stall()) {
            left.add(sequence);
            return;
        }
        if (sequence.request.handover() instanceof Handover.Fatal fate && !dead) {
            throw new IllegalStateException(fate.reason());
        }
        Handover.Fetch unfetched = sequence.pendingFetch();
        remove(sequence);
        if (unfetched != null) {
            unfetched.source().cancel();
        }
    }

    private void remove(Sequence sequence) {
        sequence.aborted = true;
        if (running.remove(sequence) || waiting.remove(sequence) || fetches.abandon(sequence)) {
            memory.release(sequence);
        }
        publishLoad();
    }

    boolean hasWork() {
        return !running.isEmpty()
                || !waiting.isEmpty()
                || fatal.stream()
                        .anyMatch(each -> each.request.handover() instanceof Handover.Fatal fate && fate.atOnce());
    }

    /** Decides what the next step computes and returns how long that takes, in nanoseconds. */
    long beginStep(long nowNanos) {
        step.clear();
        if (fetches.stall()) {
            return 0;
        }
        for (Sequence sequence : fatal) {
            if (sequence.request.handover() instanceof Handover.Fatal fate) {
                throw new IllegalStateException(fate.reason());
            }
        }
        sayWaiting(nowNanos);
        int budget = shape.maxBatchedTokens();
        for (int i = 0; i < running.size() && budget > 0; i++) {
            Sequence sequence = running.get(i);
            int tokens = Math.min(sequence.length - sequence.computed, budget);
            if (tokens > 0 && makeRoom(sequence, tokens)) {
                step.add(new Chunk(sequence, tokens));
                budget -= tokens;
            }
        }
        admit(budget, nowNanos);
        publishLoad();
        return stepNanos();
    }

    /** Returns true if the step that has begun computes nothing: everything waits for blocks or for another engine. */
    boolean isIdle() {
        return step.isEmpty();
    }

    /** Ends the fetches that have taken too long. */
    void expireFetches(long nowNanos) {
        fetches.expire(nowNanos);
    }

    /** Returns the nanoseconds until a lease or a fetch ends; {@link Long#MAX_VALUE} if nothing is to end. */
    long nanosToExpiry(long nowNanos) {
        return Math.min(memory.nanosToExpiry(nowNanos), fetches.nanosToExpiry(nowNanos));
    }

    /** Returns what the cached blocks with which a prompt starts hold; only full ones before its last token. */
    List<Handover.Block> cached(int[] prompt, String salt) {
        long start = salt.isEmpty() ? root : ContentHash.mix(root, ContentHash.of(salt));
        return memory.cached(prompt, start);
    }

    /** Returns the blocks, for hand-overs. */
    KvMemory memory() {
        return memory;
    }

    /** Applies the step: full blocks become findable, sequences whose tokens are all computed get their next one. */
    void finishStep(long nowNanos) {
        int tokens = 0;
        for (Chunk chunk : step) {
            tokens += chunk.tokens;
            if (!chunk.sequence.aborted) {
                advance(chunk.sequence, chunk.tokens, nowNanos);
            }
        }
        if (tokens > 0) {
            stats.add(EngineHistogram.ITERATION_TOKENS, tokens);
        }
        step.clear();
        publishLoad();
    }

    /** Ends everything with {@link Finish#ERROR}, as when the engine process dies. */
    void failAll() {
        dead = true;
        List<Sequence> all = new ArrayList<>(running);
        all.addAll(waiting);
        all.addAll(fetches.all());
        all.addAll(fatal);
        fatal.clear();
        for (Sequence sequence : all) {
            remove(sequence);
            sequence.request.listener().onFailed(TokenListener.Failure.ENGINE_DEAD);
        }
    }

    /** The other engine keeps KV only for a while, so it is told that somebody still waits for it. */
    private void sayWaiting(long nowNanos) {
        if (nowNanos - saidWaitingNanos < HEARTBEAT_NANOS) {
            return;
        }
        saidWaitingNanos = nowNanos;
        for (Sequence sequence : waiting) {
            Handover.Fetch fetch = sequence.pendingFetch();
            if (fetch != null) {
                fetch.source().waiting();
            }
        }
    }

    private void admit(int budgetBefore, long nowNanos) {
        int budget = budgetBefore;
        while (budget > 0 && running.size() < shape.maxSequences()) {
            Sequence sequence = waiting.peek();
            if (sequence == null) {
                return;
            }
            Handover.Fetch fetch = sequence.pendingFetch();
            if (fetch != null) {
                if (!beginFetch(sequence, fetch, nowNanos)) {
                    return;
                }
                continue;
            }
            Admitted found = sequence.blocks.isEmpty() ? memory.findPrefix(sequence) : sequence.admitted;
            int tokens = Math.min(sequence.length - sequence.computed, budget);
            if (!memory.grow(sequence, tokens)) {
                memory.release(sequence);
                return;
            }
            waiting.remove();
            running.add(sequence);
            step.add(new Chunk(sequence, tokens));
            budget -= tokens;
            if (!sequence.wasScheduled) {
                onFirstScheduled(sequence, found, nowNanos);
            }
        }
    }

    /** Takes what is cached here and asks the other engine for the rest; false while there are not enough blocks. */
    private boolean beginFetch(Sequence sequence, Handover.Fetch fetch, long nowNanos) {
        if (!memory.reserve(sequence)) {
            return false;
        }
        waiting.remove();
        sequence.fetchStarted = true;
        if (!fetch.terms().partial()) {
            int missing = sequence.length - sequence.computed;
            int shown = fetch.shownTokens() < 0 ? sequence.length : fetch.shownTokens();
            onFirstScheduled(sequence, new Admitted(sequence.length, missing, 0, shown), nowNanos);
        }
        fetches.begin(sequence, fetch, nowNanos);
        return true;
    }

    private void onFetchEnded(Sequence sequence) {
        if (!sequence.aborted) {
            waiting.addFirst(sequence);
        }
        publishLoad();
        List<Sequence> gone = List.copyOf(left);
        left.clear();
        gone.forEach(this::abort);
    }

    private void onFirstScheduled(Sequence sequence, Admitted found, long nowNanos) {
        sequence.wasScheduled = true;
        sequence.admitted = found;
        sequence.scheduledNanos = nowNanos;
        if (sequence.request.readsCache()) {
            int local = found.cachedTokens() - found.externalTokens();
            stats.add(EngineCounter.PREFIX_QUERIES, sequence.promptLength());
            stats.add(EngineCounter.PREFIX_HITS, local);
            if (shape.remote() || (shape.store() != null && shape.loads())) {
                stats.add(EngineCounter.EXTERNAL_QUERIES, sequence.promptLength() - local);
                stats.add(EngineCounter.EXTERNAL_HITS, found.externalTokens());
            }
        }
    }

    /** Gives a running sequence the blocks for its next tokens; false if it was itself put back into the queue. */
    private boolean makeRoom(Sequence sequence, int tokens) {
        while (!memory.grow(sequence, tokens)) {
            Sequence youngest = running.getLast();
            preempt(youngest);
            if (youngest == sequence) {
                return false;
            }
        }
        return true;
    }

    private void preempt(Sequence sequence) {
        running.remove(sequence);
        step.removeIf(chunk -> chunk.sequence == sequence);
        memory.release(sequence);
        sequence.preemptions++;
        stats.add(EngineCounter.PREEMPTIONS, 1);
        waiting.addFirst(sequence);
    }

    private long stepNanos() {
        double nanos = step.isEmpty() ? 0 : shape.speed().stepNanos();
        for (Chunk chunk : step) {
            Sequence sequence = chunk.sequence;
            nanos += sequence.answering && chunk.tokens == 1
                    ? shape.speed().decodeNanos(sequence.computed)
                    : shape.speed().chunkNanos(chunk.tokens, sequence.computed);
        }
        return (long) nanos;
    }

    private void advance(Sequence sequence, int tokens, long nowNanos) {
        sequence.computed += tokens;
        memory.publishFullBlocks(sequence);
        if (sequence.computed < sequence.length) {
            return;
        }
        if (!sequence.answering) {
            beginAnswer(sequence, nowNanos);
        } else {
            stats.add(EngineHistogram.INTER_TOKEN, seconds(nowNanos - sequence.lastTokenNanos));
        }
        sequence.lastTokenNanos = nowNanos;
        emit(sequence, nowNanos);
    }

    private void beginAnswer(Sequence sequence, long nowNanos) {
        sequence.answering = true;
        sequence.firstTokenNanos = nowNanos;
        if (sequence.request.script() != null) {
            sequence.script = sequence.request.script().apply(sequence.content(shape.blockSize()));
        }
        stats.onFirstToken(sequence);
        sequence.request
                .listener()
                .onFirstToken(new TokenListener.FirstToken(
                        sequence.arrivalNanos, sequence.readyNanos, nowNanos, sequence.admitted.cachedTokens()));
    }

    private void emit(Sequence sequence, long nowNanos) {
        int index = sequence.generated();
        int token = sequence.request.script() == null
                ? model.token(sequence.content(shape.blockSize()), index, sequence.request.limits())
                : index < sequence.script.length ? sequence.script[index] : Tokenizer.END;
        sequence.append(token);
        stats.add(EngineCounter.GENERATION, 1);
        TokenListener listener = sequence.request.listener();
        Finish finish = finishAfter(sequence, token, index, listener.endsAt(token));
        if (finish != null) {
            finish(sequence, finish, nowNanos);
        }
        listener.onToken(token, finish, sequence.admitted);
    }

    private @Nullable Finish finishAfter(Sequence sequence, int token, int index, boolean stopped) {
        Limits limits = sequence.request.limits();
        if (stopped || token == Tokenizer.END || limits.stopTokens().contains(token)) {
            return Finish.STOP;
        }
        boolean exhausted = index + 1 >= limits.maxTokens() || sequence.length >= shape.maxModelLength();
        return exhausted ? Finish.LENGTH : null;
    }

    private void finish(Sequence sequence, Finish finish, long nowNanos) {
        running.remove(sequence);
        Handover.Keep keep = sequence.keep();
        if (keep != null && (keep.afterStop() || finish == Finish.LENGTH)) {
            memory.keep(sequence, keep, nowNanos);
        } else {
            memory.release(sequence);
        }
        sequence.aborted = true;
        stats.onFinished(sequence, finish, nowNanos);
        publishLoad();
    }

    private void publishLoad() {
        stats.load(running.size(), waiting.size(), fetches.all().size() + fatal.size());
        memory.publishLoad();
    }

    private static double seconds(long nanos) {
        return nanos / 1e9;
    }

    /** The part of a sequence that one step computes. */
    private record Chunk(Sequence sequence, int tokens) {}
}
