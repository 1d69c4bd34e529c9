// SPDX-License-Identifier: Apache-2.0
package dev.tandem.simulator.peer;

import java.util.LinkedHashMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** What an engine has handed out, for strict decode engines that ask whether it is still good. Thread-safe, bounded. */
public final class Ledger {
    private static final int MOST_ENTRIES = 20_000;

    private final Map<String, HandedOut> entries = new LinkedHashMap<>() {
        private static final long serialVersionUID = 1;

        @Override
        protected boolean removeEldestEntry(Map.Entry<String, HandedOut> eldest) {
            return size() > MOST_ENTRIES;
        }
    };

    /** What the prefill engine says about parameters that somebody wants to use. */
    public enum Verdict {
        /** They are as they were handed out, for this prompt, and not used yet. */
        GOOD(""),
        /** The prefill engine has not handed them out. */
        UNKNOWN("not handed out by this prefill engine"),
        /** They are not what was handed out. */
        CHANGED("changed on their way"),
        /** They were used before. */
        USED("used before"),
        /** They are older than their lease. */
        EXPIRED("older than their lease"),
        /** They belong to another prompt. */
        FOREIGN("handed out for another prompt");

        private final String refusal;

        Verdict(String refusal) {
            this.refusal = refusal;
        }

        /** Returns what is wrong with parameters that are known by an id; null if nothing. */
        public @Nullable String refusal(String id) {
            return this == GOOD ? null : "kv_transfer_params: " + refusal + ": " + id;
        }
    }

    /** Notes parameters that leave in an answer. */
    public synchronized void add(String id, long digest, long prompt) {
        entries.put(id, new HandedOut(digest, prompt, false));
    }

    /** Notes that the blocks of an id were fetched. */
    public synchronized void use(String id) {
        entries.computeIfPresent(id, (same, entry) -> new HandedOut(entry.digest, entry.prompt, true));
    }

    /** Judges parameters and, if they are good, notes that they are used. */
    synchronized Verdict claim(String id, long digest, long prompt, boolean kept) {
        HandedOut entry = entries.get(id);
        if (entry == null) {
            return Verdict.UNKNOWN;
        }
        if (entry.digest != digest) {
            return Verdict.CHANGED;
        }
        if (entry.used) {
            return Verdict.USED;
        }
        if (!kept) {
            return Verdict.EXPIRED;
        }
        if (entry.prompt != prompt) {
            return Verdict.FOREIGN;
        }
        use(id);
        return Verdict.GOOD;
    }

    private record HandedOut(long digest, long prompt, boolean used) {}
}
