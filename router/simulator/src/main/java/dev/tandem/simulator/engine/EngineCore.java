// SPDX-License-Identifier: Apache-2.0
package dev.tandem.simulator.engine;

import dev.tandem.simulator.text.ContentHash;
import dev.tandem.simulator.text.Tokenizer;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import java.util.OptionalLong;
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
    private final EngineShape shape;
    private final KvPool pool;
    private final ToyModel model;
    private final EngineStats stats;
    private final long root;
    private final List<Sequence> running = new ArrayList<>();
    private final Deque<Sequence> waiting = new ArrayDeque<>();
    private final List<Chunk> step = new ArrayList<>();

    EngineCore(EngineShape shape, EngineStats stats) {
        this.shape = shape;
        this.stats = stats;
        this.pool = new KvPool(shape.blocks());
        this.model = new ToyModel(shape.meanAnswer());
        this.root = ContentHash.of(shape.model());
    }

    /** Puts a sequence into the queue. */
    Sequence add(SequenceRequest request, long nowNanos) {
        Sequence sequence = new Sequence(request, root, nowNanos);
        waiting.add(sequence);
        publishLoad();
        return sequence;
    }

    /** Removes a sequence at once, whatever its state. */
    void abort(Sequence sequence) {
        if (sequence.aborted) {
            return;
        }
        sequence.aborted = true;
        boolean known = running.remove(sequence) || waiting.remove(sequence);
        if (known) {
            releaseBlocks(sequence);
            publishLoad();
        }
    }

    boolean hasWork() {
        return !running.isEmpty() || !waiting.isEmpty();
    }

    /** Decides what the next step computes and returns how long that takes, in nanoseconds. */
    long beginStep(long nowNanos) {
        step.clear();
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
        List<Sequence> all = new ArrayList<>(running);
        all.addAll(waiting);
        for (Sequence sequence : all) {
            abort(sequence);
            sequence.request.listener().onFailed();
        }
    }

    private void admit(int budgetBefore, long nowNanos) {
        int budget = budgetBefore;
        while (budget > 0 && running.size() < shape.maxSequences()) {
            Sequence sequence = waiting.peek();
            if (sequence == null) {
                return;
            }
            Admitted found = findPrefix(sequence);
            int tokens = Math.min(sequence.length - sequence.computed, budget);
            if (!grow(sequence, tokens)) {
                releaseBlocks(sequence);
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

    /** Takes the cached blocks of the prompt; at least one token is left to compute. */
    private Admitted findPrefix(Sequence sequence) {
        if (!sequence.request.readsCache()) {
            return Admitted.NOTHING;
        }
        int limit = (sequence.length - 1) / shape.blockSize();
        int local = takeBlocks(sequence, limit, false);
        int external = takeBlocks(sequence, limit, true);
        sequence.computed = sequence.fullBlocks * shape.blockSize();
        int created = sequence.promptLength() / shape.blockSize() - sequence.fullBlocks;
        return new Admitted(
                (local + external) * shape.blockSize(), external * shape.blockSize(), created * shape.blockSize());
    }

    private int takeBlocks(Sequence sequence, int limit, boolean external) {
        int taken = 0;
        while (sequence.fullBlocks < limit) {
            long key = sequence.keyAfter(sequence.lastKey(), sequence.fullBlocks, shape.blockSize());
            KvBlock block = external ? loadBlock(key) : pool.find(key);
            if (block == null) {
                return taken;
            }
            sequence.blocks.add(block);
            sequence.onFull(block);
            taken++;
        }
        return taken;
    }

    private @Nullable KvBlock loadBlock(long key) {
        KvStore store = shape.store();
        if (store == null || !shape.loads() || pool.free() == 0) {
            return null;
        }
        OptionalLong content = store.load(key);
        KvBlock block = content.isPresent() ? pool.allocate() : null;
        if (block != null) {
            pool.publish(block, key, content.orElseThrow());
        }
        return block;
    }

    private void onFirstScheduled(Sequence sequence, Admitted found, long nowNanos) {
        sequence.wasScheduled = true;
        sequence.admitted = found;
        sequence.scheduledNanos = nowNanos;
        if (sequence.request.readsCache()) {
            int local = found.cachedTokens() - found.externalTokens();
            stats.add(EngineCounter.PREFIX_QUERIES, sequence.promptLength());
            stats.add(EngineCounter.PREFIX_HITS, local);
            if (shape.store() != null && shape.loads()) {
                stats.add(EngineCounter.EXTERNAL_QUERIES, sequence.promptLength() - local);
                stats.add(EngineCounter.EXTERNAL_HITS, found.externalTokens());
            }
        }
    }

    /** Gives a running sequence the blocks for its next tokens; false if it was itself put back into the queue. */
    private boolean makeRoom(Sequence sequence, int tokens) {
        while (!grow(sequence, tokens)) {
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
        releaseBlocks(sequence);
        sequence.preemptions++;
        stats.add(EngineCounter.PREEMPTIONS, 1);
        waiting.addFirst(sequence);
    }

    private boolean grow(Sequence sequence, int tokens) {
        int needed = (sequence.computed + tokens + shape.blockSize() - 1) / shape.blockSize();
        while (sequence.blocks.size() < needed) {
            KvBlock block = pool.allocate();
            if (block == null) {
                return false;
            }
            sequence.blocks.add(block);
        }
        return true;
    }

    private void releaseBlocks(Sequence sequence) {
        for (int i = sequence.blocks.size() - 1; i >= 0; i--) {
            pool.release(sequence.blocks.get(i));
        }
        sequence.onReleased();
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
        publishFullBlocks(sequence);
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

    private void publishFullBlocks(Sequence sequence) {
        while (sequence.fullBlocks < sequence.computed / shape.blockSize()) {
            int index = sequence.fullBlocks;
            int from = index * shape.blockSize();
            long key = sequence.keyAfter(sequence.lastKey(), index, shape.blockSize());
            long content = sequence.computedContent(key);
            KvBlock block = sequence.blocks.get(index);
            pool.publish(block, key, content);
            sequence.onFull(block);
            KvStore store = shape.store();
            if (store != null && shape.stores() && from + shape.blockSize() <= sequence.promptLength()) {
                store.store(key, content);
            }
        }
    }

    private void beginAnswer(Sequence sequence, long nowNanos) {
        sequence.answering = true;
        sequence.firstTokenNanos = nowNanos;
        sequence.promptContent = sequence.content(shape.blockSize());
        if (sequence.request.script() != null) {
            sequence.script = sequence.request.script().apply(sequence.promptContent);
        }
        int prompt = sequence.promptLength();
        int cached = sequence.admitted.cachedTokens();
        int external = sequence.admitted.externalTokens();
        stats.add(EngineCounter.PROMPT, prompt);
        stats.add(EngineCounter.PROMPT_COMPUTED, prompt - cached);
        stats.add(EngineCounter.PROMPT_LOCAL_HIT, cached - external);
        stats.add(EngineCounter.PROMPT_EXTERNAL, external);
        stats.add(EngineHistogram.FIRST_TOKEN, seconds(nowNanos - sequence.arrivalNanos));
    }

    private void emit(Sequence sequence, long nowNanos) {
        int index = sequence.generated();
        int token = sequence.request.script() == null
                ? model.token(sequence.promptContent, index, sequence.request.limits())
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
        releaseBlocks(sequence);
        sequence.aborted = true;
        int generated = sequence.generated();
        double decode = seconds(nowNanos - sequence.firstTokenNanos);
        stats.countFinished(finish);
        stats.add(EngineHistogram.PROMPT_TOKENS, sequence.promptLength());
        stats.add(EngineHistogram.GENERATION_TOKENS, generated);
        stats.add(EngineHistogram.PARAMS_MAX_TOKENS, sequence.request.limits().maxTokens());
        stats.add(EngineHistogram.PER_OUTPUT_TOKEN, generated > 1 ? decode / (generated - 1) : 0);
        stats.add(EngineHistogram.END_TO_END, seconds(nowNanos - sequence.arrivalNanos));
        stats.add(EngineHistogram.QUEUE_TIME, seconds(sequence.scheduledNanos - sequence.arrivalNanos));
        stats.add(EngineHistogram.INFERENCE_TIME, seconds(nowNanos - sequence.scheduledNanos));
        stats.add(EngineHistogram.PREFILL_TIME, seconds(sequence.firstTokenNanos - sequence.scheduledNanos));
        stats.add(EngineHistogram.DECODE_TIME, decode);
        stats.add(EngineHistogram.PREEMPTIONS, sequence.preemptions);
        stats.add(EngineHistogram.COMPUTED_TOKENS, sequence.promptLength() - sequence.admitted.cachedTokens());
        publishLoad();
    }

    private void publishLoad() {
        stats.load(running.size(), waiting.size(), pool.used() / (double) pool.capacity());
    }

    private static double seconds(long nanos) {
        return nanos / 1e9;
    }

    /** The part of a sequence that one step computes. */
    private record Chunk(Sequence sequence, int tokens) {}
}
