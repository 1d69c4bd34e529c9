// SPDX-License-Identifier: Apache-2.0
package dev.tandem.simulator.llama;

import dev.tandem.simulator.engine.Limits;
import dev.tandem.simulator.engine.ToyModel;
import dev.tandem.simulator.text.TextAssembler;
import dev.tandem.simulator.text.Tokenizer;
import dev.tandem.simulator.wire.Json;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import reactor.core.publisher.FluxSink;
import tools.jackson.databind.node.ObjectNode;

/** One answer on its way through a slot: evaluates the prompt, then generates. Confined to the server's thread. */
final class SlotTask {
    /** What comes out of a task. */
    sealed interface Event {}

    /**
     * A token that was generated.
     *
     * @param index Number of the answer in its request.
     * @param position Number of the token in the answer, from 0.
     * @param token The token.
     * @param text Text that may be sent now; empty while a stop text may be under way.
     * @param promptTokens Length of the prompt.
     * @param cachedTokens Tokens of the prompt that the slot held.
     */
    record Piece(int index, int position, int token, String text, int promptTokens, int cachedTokens)
            implements Event {}

    /**
     * The end of an answer.
     *
     * @param index Number of the answer in its request.
     * @param text The whole text.
     * @param tail What of the text no piece has carried.
     * @param tokens The generated tokens.
     * @param stopped It ended by itself or at a stop text, not at a limit.
     * @param stopText The stop text that ended it; null for none.
     * @param timings What it cost.
     */
    record Result(
            int index,
            String text,
            String tail,
            List<Integer> tokens,
            boolean stopped,
            @Nullable String stopText,
            Timings timings)
            implements Event {
        Result {
            tokens = List.copyOf(tokens);
        }
    }

    /**
     * Cost of an answer.
     *
     * @param cached Tokens of the prompt that the slot held.
     * @param evaluated Tokens of the prompt that were evaluated.
     * @param promptNanos Time of the evaluation.
     * @param predicted Generated tokens.
     * @param predictedNanos Time from the first to the last of them.
     */
    record Timings(int cached, int evaluated, long promptNanos, int predicted, long predictedNanos) {
        int promptTokens() {
            return cached + evaluated;
        }

        ObjectNode json() {
            double promptMillis = evaluated == 0 ? 0.0 : millis(promptNanos);
            double predictedMillis = predicted == 0 ? 0.0 : millis(predictedNanos);
            int steps = Math.max(0, predicted - 1);
            return Json.object()
                    .put("cache_n", cached)
                    .put("prompt_n", evaluated)
                    .put("prompt_ms", promptMillis)
                    .put("prompt_per_token_ms", evaluated == 0 ? 0.0 : promptMillis / evaluated)
                    .put("prompt_per_second", evaluated == 0 ? 0.0 : 1e3 / promptMillis * evaluated)
                    .put("predicted_n", predicted)
                    .put("predicted_ms", predictedMillis)
                    .put("predicted_per_token_ms", steps == 0 ? 0.0 : predictedMillis / steps)
                    .put("predicted_per_second", steps == 0 ? 0.0 : 1e3 / predictedMillis * steps);
        }

        /** The server's clock counts microseconds and never shows less than one. */
        private static double millis(long nanos) {
            return Math.max(1, nanos / 1_000) / 1e3;
        }
    }

    final long id;
    final LlamaRequest request;
    final int index;
    final int[] prompt;
    final FluxSink<Event> sink;
    /** The task whose evaluation of the prompt this one shares; null if it evaluates the prompt itself. */
    @Nullable
    final SlotTask parent;

    private final TextAssembler assembler;
    private final StringBuilder text = new StringBuilder();
    private final List<Integer> tokens = new ArrayList<>();
    private final Limits limits;
    private int cached;
    private long startNanos;
    private long firstNanos;
    private long lastNanos;
    private boolean ended;
    private boolean atLimit;

    SlotTask(long id, LlamaRequest request, int index, int[] prompt, @Nullable SlotTask parent, FluxSink<Event> sink) {
        this.id = id;
        this.request = request;
        this.index = index;
        this.prompt = prompt;
        this.parent = parent;
        this.sink = sink;
        this.assembler = new TextAssembler(request.stops(), false);
        this.limits = new Limits(Integer.MAX_VALUE, 0, request.ignoreEnd(), Set.of());
    }

    /** Returns true if the task belongs to the request that listens here. */
    @SuppressWarnings("ReferenceEquality") // a sink has no other identity
    boolean answers(FluxSink<Event> listener) {
        return sink == listener;
    }

    /** Returns true once the prompt is evaluated and the first token is there. */
    boolean generating() {
        return !tokens.isEmpty();
    }

    int generated() {
        return tokens.size();
    }

    int cachedTokens() {
        return cached;
    }

    /** Takes its place in a slot: drops what the slot holds beyond the common prefix. */
    void start(Slot slot, long nowNanos) {
        startNanos = nowNanos;
        // The last token of the prompt is always evaluated: what follows is drawn from its logits.
        cached = request.cachePrompt() ? Math.min(slot.commonPrefix(prompt), Math.max(0, prompt.length - 1)) : 0;
        slot.keep(cached);
    }

    /** Takes over what its parent has evaluated. */
    void join(Slot slot, Slot parentSlot, SlotTask evaluated) {
        slot.copy(parentSlot);
        cached = evaluated.cached;
        startNanos = evaluated.startNanos;
    }

    /** Evaluates the token that was drawn last. */
    void evaluateLast(Slot slot) {
        slot.append(tokens.getLast());
    }

    /** Draws the next token after an evaluation. */
    void draw(Slot slot, ToyModel model, int slotContext, long nowNanos) {
        if (tokens.isEmpty()) {
            firstNanos = nowNanos;
        }
        lastNanos = nowNanos;
        int token = model.token(slot.content(), tokens.size(), limits);
        tokens.add(token);
        String piece = assembler.add(token);
        text.append(piece);
        ended = token == Tokenizer.END || assembler.stop() != null;
        atLimit = slot.size() + 1 >= slotContext || (request.limit() >= 0 && tokens.size() >= request.limit());
        sink.next(new Piece(index, tokens.size() - 1, token, piece, prompt.length, cached));
    }

    boolean finished() {
        return ended || atLimit;
    }

    Result result() {
        String tail = assembler.flush();
        return new Result(index, text + tail, tail, tokens, ended, assembler.stop(), timings());
    }

    Timings timings() {
        return new Timings(
                cached, prompt.length - cached, firstNanos - startNanos, tokens.size(), lastNanos - firstNanos);
    }
}
