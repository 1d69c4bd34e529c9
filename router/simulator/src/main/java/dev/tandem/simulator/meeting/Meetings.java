// SPDX-License-Identifier: Apache-2.0
package dev.tandem.simulator.meeting;

import dev.tandem.simulator.engine.Engine;
import dev.tandem.simulator.engine.Handover;
import dev.tandem.simulator.peer.Host;
import dev.tandem.simulator.peer.Ledger.Verdict;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import org.jspecify.annotations.Nullable;

/**
 * The names under which prefill legs of this engine leave KV and decode legs of others come for it, in any order.
 * Thread-safe, bounded.
 *
 * <p>What is left is given once, to who came first. Whoever comes after its lease has ended waits, as for something
 * that has not been computed yet.
 */
public final class Meetings implements Host {
    private static final int MOST_NAMES = 20_000;

    private final Engine engine;
    private final Map<String, Meeting> meetings = new LinkedHashMap<>() {
        private static final long serialVersionUID = 1;

        @Override
        protected boolean removeEldestEntry(Map.Entry<String, Meeting> eldest) {
            return size() > MOST_NAMES;
        }
    };

    /** Makes an empty table of an engine. */
    public Meetings(Engine engine) {
        this.engine = engine;
    }

    /** Notes a prefill leg that has come. */
    public synchronized void expect(String name, long prompt) {
        meeting(name).prefillPrompt = prompt;
    }

    /** Returns why a prefill leg must not come under this name, or null. */
    public synchronized @Nullable String refusal(String name, long prompt) {
        Meeting meeting = meeting(name);
        if (meeting.prefillPrompt != null) {
            return "used before on a prefill leg: " + name;
        }
        return meeting.decodePrompt != null && meeting.decodePrompt != prompt
                ? "used on a decode leg with another request: " + name
                : null;
    }

    /** Gives the blocks of a prompt, which the engine keeps, to who waits for them or comes next. */
    public synchronized void offer(String name, String hold, List<Integer> blocks, int promptTokens) {
        Meeting meeting = meeting(name);
        if (meeting.left) {
            meeting.left = false;
            engine.dropKept(hold);
            return;
        }
        int size = engine.shape().blockSize();
        Kept kept = new Kept(hold, List.copyOf(blocks.subList(0, (promptTokens + size - 1) / size)));
        CompletableFuture<Offer> visitor = meeting.nextVisitor();
        if (visitor == null) {
            meeting.kept = kept;
        } else {
            give(kept, visitor);
        }
    }

    /** Returns what completes when the first decode leg has come. */
    public synchronized CompletableFuture<Void> visited(String name) {
        return meeting(name).visited;
    }

    /** Returns how many decode legs of other engines wait here. */
    public synchronized Map<String, Long> facts() {
        long waiting = meetings.values().stream()
                .flatMap(each -> each.visitors.stream())
                .filter(visitor -> !visitor.isDone())
                .count();
        return Map.of("decode_legs_waiting", waiting);
    }

    @Override
    public synchronized CompletableFuture<Offer> meet(String name) {
        CompletableFuture<Offer> visitor = new CompletableFuture<>();
        Meeting meeting = meeting(name);
        meeting.visited.complete(null);
        Kept kept = meeting.kept;
        if (kept == null) {
            meeting.visitors.add(visitor);
            return visitor;
        }
        meeting.kept = null;
        CompletionStage<Boolean> still = engine.keeps(kept.hold());
        still.thenAccept(good -> {
            if (good) {
                give(kept, visitor);
            } else {
                await(name, visitor);
            }
        });
        return visitor;
    }

    @Override
    public synchronized void left(String name) {
        Meeting meeting = meeting(name);
        Kept kept = meeting.kept;
        if (kept == null) {
            CompletableFuture<Offer> leaver = meeting.nextVisitor();
            meeting.left = meeting.visitors.isEmpty();
            if (leaver != null) {
                leaver.cancel(false);
            }
        } else {
            engine.dropKept(kept.hold());
            meeting.kept = null;
        }
    }

    @Override
    public Verdict judge(String name, long prompt) {
        String hold = hold(name);
        boolean expired = hold != null && !engine.keeps(hold).join();
        return expired ? Verdict.EXPIRED : verdict(name, prompt);
    }

    private synchronized @Nullable String hold(String name) {
        Kept kept = meeting(name).kept;
        return kept == null ? null : kept.hold();
    }

    private synchronized Verdict verdict(String name, long prompt) {
        Meeting meeting = meeting(name);
        if (meeting.decodePrompt != null) {
            return Verdict.USED;
        }
        if (meeting.prefillPrompt != null && meeting.prefillPrompt != prompt) {
            return Verdict.FOREIGN;
        }
        meeting.decodePrompt = prompt;
        return Verdict.GOOD;
    }

    private synchronized void await(String name, CompletableFuture<Offer> visitor) {
        meeting(name).visitors.add(visitor);
    }

    private void give(Kept kept, CompletableFuture<Offer> visitor) {
        CompletionStage<List<Handover.Block>> read = engine.read(kept.blocks());
        read.thenAccept(blocks -> visitor.complete(new Offer(kept.hold(), blocks)));
    }

    private Meeting meeting(String name) {
        return meetings.computeIfAbsent(name, same -> new Meeting());
    }

    /** Blocks that the engine keeps. */
    private record Kept(String hold, List<Integer> blocks) {}

    /** What is known of one name. Guarded by the table. */
    private static final class Meeting {
        private final CompletableFuture<Void> visited = new CompletableFuture<>();
        private @Nullable Long prefillPrompt;
        private @Nullable Long decodePrompt;
        private @Nullable Kept kept;
        private final Deque<CompletableFuture<Offer>> visitors = new ArrayDeque<>();
        private boolean left;

        @Nullable
        CompletableFuture<Offer> nextVisitor() {
            visitors.removeIf(CompletableFuture::isDone);
            return visitors.poll();
        }
    }
}
