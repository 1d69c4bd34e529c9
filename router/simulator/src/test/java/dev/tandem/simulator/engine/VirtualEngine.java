// SPDX-License-Identifier: Apache-2.0
package dev.tandem.simulator.engine;

import dev.tandem.simulator.store.KvStore;
import dev.tandem.simulator.text.Tokenizer;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.List;
import java.util.Queue;
import org.jspecify.annotations.Nullable;

/** An engine core in virtual time: steps follow each other without waiting. */
final class VirtualEngine {
    final EngineStats stats;
    final EngineCore core;
    private final Queue<Runnable> messages = new ArrayDeque<>();
    long nowNanos;

    VirtualEngine(EngineShape shape) {
        stats = new EngineStats(shape.maxModelLength());
        core = new EngineCore(shape, stats, messages::add, () -> nowNanos);
    }

    static EngineShape connected(int blockSize, int blocks) {
        return new EngineShape(
                "m",
                blocks * blockSize,
                blockSize,
                blocks,
                4,
                64,
                0,
                Speed.INSTANT,
                null,
                false,
                false,
                EngineShape.Connector.NIXL);
    }

    static EngineShape shape(Speed speed, int blockSize, int blocks, @Nullable KvStore store) {
        return new EngineShape(
                "m",
                blocks * blockSize,
                blockSize,
                blocks,
                4,
                64,
                0,
                speed,
                store,
                store != null,
                store != null,
                store == null ? EngineShape.Connector.NONE : EngineShape.Connector.SHARED);
    }

    Answer add(String prompt, int maxTokens) {
        return add(Tokenizer.TOY.encode(prompt), maxTokens);
    }

    Answer add(int[] prompt, int maxTokens) {
        return add(prompt, maxTokens, null);
    }

    Answer add(int[] prompt, int maxTokens, @Nullable Handover handover) {
        Answer answer = new Answer(this);
        Limits limits = Limits.of(maxTokens);
        answer.sequence = core.add(new SequenceRequest(prompt, "", 0, limits, null, true, handover, answer), nowNanos);
        return answer;
    }

    /** Runs one step and returns its duration. */
    long step() {
        long nanos = core.beginStep(nowNanos);
        nowNanos += nanos;
        core.finishStep(nowNanos);
        return nanos;
    }

    void runToEnd() {
        while (core.hasWork() || !messages.isEmpty()) {
            deliver();
            step();
        }
    }

    /** Runs what others have sent to the engine's thread. */
    void deliver() {
        for (Runnable message = messages.poll(); message != null; message = messages.poll()) {
            message.run();
        }
    }

    String answer(String prompt, int maxTokens) {
        Answer answer = add(prompt, maxTokens);
        runToEnd();
        return answer.text();
    }

    /** Collects what a sequence generates. */
    static final class Answer implements TokenListener {
        final List<Integer> tokens = new ArrayList<>();
        final List<Long> times = new ArrayList<>();
        private final VirtualEngine engine;
        Admitted admitted = Admitted.NOTHING;

        @Nullable
        Finish finish;

        @Nullable
        Sequence sequence;

        @Nullable
        FirstToken first;

        Answer(VirtualEngine engine) {
            this.engine = engine;
        }

        String text() {
            return Tokenizer.TOY.decode(
                    tokens.stream().mapToInt(Integer::intValue).toArray());
        }

        @Override
        public boolean endsAt(int token) {
            return false;
        }

        @Override
        public void onFirstToken(FirstToken told) {
            first = told;
        }

        @Override
        public void onToken(int token, @Nullable Finish reason, Admitted found) {
            tokens.add(token);
            times.add(engine.nowNanos);
            admitted = found;
            finish = reason;
        }

        @Override
        public void onFailed(Failure failure) {
            finish = Finish.ERROR;
        }
    }
}
