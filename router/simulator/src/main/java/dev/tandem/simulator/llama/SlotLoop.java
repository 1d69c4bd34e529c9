// SPDX-License-Identifier: Apache-2.0
package dev.tandem.simulator.llama;

import dev.tandem.core.time.Ticker;
import dev.tandem.simulator.engine.ToyModel;
import dev.tandem.simulator.text.ContentHash;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;
import reactor.core.publisher.Flux;
import reactor.core.publisher.FluxSink;
import reactor.core.publisher.Mono;

/**
 * The slots and the one thread on which everything about them happens, as in llama-server. Thread-safe.
 *
 * <p>What needs a slot that is busy waits in a list and is looked at again, oldest first, when a slot becomes free. One
 * evaluation covers all slots that have work: the token that was drawn last of each generating slot, and prompts up to
 * the size of a batch.
 */
final class SlotLoop implements AutoCloseable {
    /** Something that waits for a slot. */
    private sealed interface Waiting {}

    /** A group of answers that share a prompt; the first one evaluates it. */
    private record Group(List<SlotTask> tasks) implements Waiting {}

    /** Something to be done to an idle slot. */
    private record Action(int slot, Runnable work) implements Waiting {}

    /** Work of one slot in one evaluation. */
    private record Share(Slot slot, SlotTask task, int promptTokens) {}

    private final LlamaOptions options;
    private final Ticker ticker;
    private final StrictMode strict;
    private final ToyModel model;
    private final LlamaMetrics metrics = new LlamaMetrics();
    private final List<Slot> slots = new ArrayList<>();
    private final List<Waiting> waiting = new ArrayList<>();
    private final BlockingQueue<Runnable> commands = new LinkedBlockingQueue<>();
    private final Thread thread;
    private long nextTask;
    private long releases;
    private volatile boolean closed;

    SlotLoop(LlamaOptions options, StrictMode strict, Ticker ticker) {
        this.options = options;
        this.strict = strict;
        this.ticker = ticker;
        this.model = new ToyModel(options.answerTokens());
        long seed = ContentHash.of(options.modelName());
        for (int id = 0; id < options.slots(); id++) {
            slots.add(new Slot(id, seed));
        }
        this.thread = Thread.ofPlatform().daemon().name("llama-slots").start(this::run);
    }

    /** Generates all answers of a request; who cancels frees its slots. */
    Flux<SlotTask.Event> generate(LlamaRequest request) {
        return Flux.create(sink -> {
            commands.add(() -> enter(request, sink));
            sink.onCancel(() -> commands.add(() -> abort(sink)));
        });
    }

    /**
     * Does something to a slot as soon as it is idle; slot ids wrap around. Whether the slot was needlessly busy shows
     * only when it becomes idle: the server learns later than the router that a client has left.
     */
    <T> Mono<T> whenIdle(int id, Function<Slot, T> work) {
        return Mono.create(sink -> commands.add(() -> {
            boolean cameTooEarly = slot(id).busy();
            waiting.add(new Action(id, () -> {
                Slot slot = slot(id);
                try {
                    boolean broken = cameTooEarly && !slot.aborted;
                    strict.refuseIf(broken, StrictMode.Rule.SLOT_BUSY, "slot " + id + " was answering a request");
                    sink.success(work.apply(slot));
                } catch (LlamaError e) {
                    sink.error(e);
                }
            }));
            startWaiting();
        }));
    }

    /** Looks at the slots and the counters between two evaluations. */
    <T> Mono<T> inspect(Function<List<Slot>, T> look) {
        return Mono.create(sink -> commands.add(() -> sink.success(look.apply(slots))));
    }

    /** Returns the counters; to be used only within {@link #inspect}. */
    LlamaMetrics metrics() {
        return metrics;
    }

    /** Returns how many requests wait for a slot; to be used only within {@link #inspect}. */
    int deferred() {
        return waiting.size();
    }

    /** Returns a slot by any id: llama-server takes it modulo the number of slots. */
    Slot slot(int id) {
        return slots.get(Math.floorMod(id, slots.size()));
    }

    @Override
    public void close() {
        closed = true;
        thread.interrupt();
    }

    private void run() {
        try {
            while (!closed) {
                Runnable command = idle() ? commands.take() : commands.poll();
                if (command != null) {
                    command.run();
                } else {
                    evaluate();
                }
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    private boolean idle() {
        return slots.stream().noneMatch(Slot::busy);
    }

    private void enter(LlamaRequest request, FluxSink<SlotTask.Event> sink) {
        int index = 0;
        for (int[] prompt : request.prompts()) {
            List<SlotTask> tasks = new ArrayList<>();
            for (int choice = 0; choice < request.choices(); choice++) {
                @Nullable SlotTask parent = choice == 0 ? null : tasks.getFirst();
                tasks.add(new SlotTask(nextTask++, request, index++, prompt, parent, sink));
            }
            waiting.add(new Group(tasks));
        }
        startWaiting();
    }

    private void abort(FluxSink<SlotTask.Event> sink) {
        waiting.removeIf(
                entry -> entry instanceof Group(var tasks) && tasks.getFirst().answers(sink));
        for (Slot slot : slots) {
            if (slot.task != null && slot.task.answers(sink)) {
                release(slot, true);
            }
        }
        startWaiting();
    }

    /** Requests for a certain slot overtake file actions that wait for it, as in llama-server (run on 2026-11-21). */
    private void startWaiting() {
        waiting.removeIf(entry -> entry instanceof Group(var tasks)
                && tasks.getFirst().request.slot() != LlamaRequest.ANY_SLOT
                && start(tasks));
        waiting.removeIf(entry -> switch (entry) {
            case Group(var tasks) -> start(tasks);
            case Action(int slot, Runnable work) -> act(slot, work);
        });
    }

    private boolean act(int slot, Runnable work) {
        boolean free = !slot(slot).busy();
        if (free) {
            work.run();
        }
        return free;
    }

    private boolean start(List<SlotTask> tasks) {
        SlotTask first = tasks.getFirst();
        Slot slot = first.request.slot() == LlamaRequest.ANY_SLOT ? choose(first.prompt) : slot(first.request.slot());
        List<Slot> others = slots.stream()
                .filter(other -> other != slot && !other.busy())
                .limit(tasks.size() - 1L)
                .toList();
        if (slot == null || slot.busy() || others.size() < tasks.size() - 1) {
            return false;
        }
        occupy(slot, first);
        first.start(slot, ticker.nanoTime());
        for (int i = 1; i < tasks.size(); i++) {
            occupy(others.get(i - 1), tasks.get(i));
        }
        return true;
    }

    private static void occupy(Slot slot, SlotTask task) {
        slot.task = task;
        slot.last = task;
    }

    /**
     * Returns the idle slot that holds most of the prompt, else the one that was released first; null if all are busy.
     */
    private @Nullable Slot choose(int[] prompt) {
        Slot best = null;
        double bestShare = options.similarity();
        for (Slot slot : slots) {
            double share = slot.busy() ? 0 : (double) slot.commonPrefix(prompt) / Math.max(1, prompt.length);
            if (options.similarity() > 0 && share > bestShare) {
                best = slot;
                bestShare = share;
            }
        }
        if (best != null) {
            return best;
        }
        for (Slot slot : slots) {
            if (!slot.busy() && (best == null || slot.lastUsed < best.lastUsed)) {
                best = slot;
            }
        }
        return best;
    }

    private void evaluate() throws InterruptedException {
        List<Share> shares = shares();
        double nanos = options.speed().stepNanos();
        for (Share share : shares) {
            nanos += share.promptTokens == 0
                    ? options.speed().decodeNanos(share.slot.size())
                    : options.speed().chunkNanos(share.promptTokens, share.slot.size());
        }
        passTime((long) nanos);
        shares.removeIf(share -> share.slot.task != share.task);
        metrics.evaluated((int) slots.stream().filter(Slot::busy).count());
        for (Share share : shares) {
            advance(share);
        }
        startWaiting();
    }

    private List<Share> shares() {
        List<Share> shares = new ArrayList<>();
        int left = options.batchTokens();
        for (Slot slot : slots) {
            if (slot.task != null && slot.task.generating()) {
                shares.add(new Share(slot, slot.task, 0));
                left--;
            }
        }
        for (Slot slot : slots) {
            SlotTask task = slot.task;
            if (task != null && !task.generating() && task.parent == null && left > 0) {
                int chunk = Math.min(left, task.prompt.length - slot.size());
                shares.add(new Share(slot, task, chunk));
                left -= chunk;
            }
        }
        return shares;
    }

    /** Lets the time of an evaluation pass; what arrives meanwhile is taken in at once. */
    private void passTime(long nanos) throws InterruptedException {
        long end = ticker.nanoTime() + nanos;
        for (long left = nanos; left > 0; left = end - ticker.nanoTime()) {
            Runnable command = commands.poll(left, TimeUnit.NANOSECONDS);
            if (command != null) {
                command.run();
            }
        }
    }

    private void advance(Share share) {
        Slot slot = share.slot;
        SlotTask task = share.task;
        if (task.generating()) {
            task.evaluateLast(slot);
            draw(slot, task);
            return;
        }
        int from = slot.size();
        for (int i = from; i < from + share.promptTokens; i++) {
            slot.append(task.prompt[i]);
        }
        if (slot.size() == task.prompt.length) {
            promptDone(slot, task);
        }
    }

    private void promptDone(Slot slot, SlotTask task) {
        List<Slot> children = slots.stream()
                .filter(other -> other.task != null && other.task.parent == task)
                .toList();
        if (task.prompt.length == 0) {
            // Nothing was evaluated, so nothing follows from it.
            finish(slot);
            children.forEach(this::finish);
            return;
        }
        draw(slot, task);
        metrics.promptDone(task.timings());
        for (Slot child : children) {
            SlotTask sharing = Objects.requireNonNull(child.task);
            sharing.join(child, slot, task);
            draw(child, sharing);
        }
    }

    private void draw(Slot slot, SlotTask task) {
        task.draw(slot, model, options.slotContext(), ticker.nanoTime());
        metrics.held(slot.size());
        if (task.finished()) {
            finish(slot);
        }
    }

    private void finish(Slot slot) {
        SlotTask task = Objects.requireNonNull(slot.task);
        SlotTask.Result result = task.result();
        metrics.predicted(result.timings());
        release(slot, false);
        task.sink.next(result);
        boolean more = slots.stream().anyMatch(other -> other.task != null && other.task.answers(task.sink))
                || waiting.stream()
                        .anyMatch(entry -> entry instanceof Group(var tasks)
                                && tasks.getFirst().answers(task.sink));
        if (!more) {
            task.sink.complete();
        }
    }

    private void release(Slot slot, boolean aborted) {
        slot.streamedPrefill = slot.task != null && slot.task.request.prefill() && slot.task.request.stream();
        slot.task = null;
        slot.aborted = aborted;
        slot.lastUsed = releases++;
    }
}
