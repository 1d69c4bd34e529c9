// SPDX-License-Identifier: Apache-2.0
package dev.tandem.simulator.peer;

import dev.tandem.simulator.engine.Handover.Block;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import org.jspecify.annotations.Nullable;

/** KV under names, which may be waited for before it is there. Thread-safe; nothing leaves by itself. */
public final class Mailbox {
    private final Map<String, CompletableFuture<List<Block>>> letters = new HashMap<>();
    private final Set<String> asked = new HashSet<>();
    private final boolean keepsUnasked;
    private long dropped;

    /** Makes one that keeps whatever comes. */
    public Mailbox() {
        this(true);
    }

    private Mailbox(boolean keepsUnasked) {
        this.keepsUnasked = keepsUnasked;
    }

    /** Returns one for which whoever asks gives the memory: what comes for nobody has no place. */
    public static Mailbox ofAskers() {
        return new Mailbox(false);
    }

    /** Puts the blocks of a prompt in, and wakes who waits for them; those that are there already stay. */
    public void put(String name, List<Block> blocks) {
        if (keeps(name)) {
            place(name).complete(List.copyOf(blocks));
        }
    }

    /** Returns what is under a name, once it is there; it stays. */
    public synchronized CompletableFuture<List<Block>> letter(String name) {
        asked.add(name);
        return place(name);
    }

    /** Takes out what is under a name; null if nothing is there yet. */
    public synchronized @Nullable List<Block> poll(String name) {
        CompletableFuture<List<Block>> letter = letters.get(name);
        if (letter == null || !letter.isDone()) {
            return null;
        }
        remove(name);
        return letter.join();
    }

    /** Removes what is under a name and whoever waits for it. */
    public synchronized void remove(String name) {
        letters.remove(name);
        asked.remove(name);
    }

    /** Returns the number of names under which something is. */
    public synchronized int size() {
        return (int) letters.values().stream().filter(CompletableFuture::isDone).count();
    }

    /** Returns the number of names under which something is that nobody has asked for yet. */
    public synchronized int unasked() {
        return (int)
                letters.keySet().stream().filter(name -> !asked.contains(name)).count();
    }

    /** Returns how often something came that was not kept. */
    public synchronized long dropped() {
        return dropped;
    }

    private synchronized boolean keeps(String name) {
        boolean kept = keepsUnasked || asked.contains(name);
        dropped += kept ? 0 : 1;
        return kept;
    }

    private synchronized CompletableFuture<List<Block>> place(String name) {
        return letters.computeIfAbsent(name, same -> new CompletableFuture<>());
    }
}
