// SPDX-License-Identifier: Apache-2.0
package dev.tandem.simulator.notice;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.Executor;

/** Sends the notices of one engine, with the mishaps that it was told to have. Thread-safe. */
public final class Courier {
    private final Mishaps mishaps;
    private final Executor late;
    private final List<Notice> held = new ArrayList<>();
    private long number;

    /** Something to be told. */
    public interface Notice {
        /** Sends it; may be called twice, must not throw. */
        CompletionStage<?> send();
    }

    /** Makes a courier. */
    public Courier(Mishaps mishaps) {
        this.mishaps = mishaps;
        this.late = mishaps.executor();
    }

    /** Returns true if notices come before the HTTP answer. */
    public boolean early() {
        return mishaps.early();
    }

    /**
     * Sends a notice, or not, or twice, or later. The stage ends without an error when it has been sent, or has been
     * lost or held back.
     */
    public CompletionStage<Void> deliver(Notice notice) {
        CompletionStage<Void> sent = CompletableFuture.completedFuture(null);
        for (Notice each : due(notice)) {
            sent = sent.thenComposeAsync(done -> sent(each), late);
        }
        return sent;
    }

    private static CompletionStage<Void> sent(Notice notice) {
        return notice.send().handle((done, failed) -> null);
    }

    private synchronized List<Notice> due(Notice notice) {
        number++;
        if (hits(mishaps.lose())) {
            return List.of();
        }
        held.add(notice);
        if (hits(mishaps.duplicate())) {
            held.add(notice);
        }
        if (held.size() < mishaps.reorder()) {
            return List.of();
        }
        List<Notice> due = mishaps.reorder() > 1 ? List.copyOf(held.reversed()) : List.copyOf(held);
        held.clear();
        return due;
    }

    private boolean hits(int every) {
        return every > 0 && number % every == 0;
    }
}
