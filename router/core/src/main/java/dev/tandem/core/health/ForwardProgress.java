// SPDX-License-Identifier: Apache-2.0
package dev.tandem.core.health;

import dev.tandem.core.time.Ticker;
import java.time.Duration;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicInteger;

/**
 * Whether a worker brings forward what it was asked for. Thread-safe.
 *
 * <p>Any byte of any answer is a sign of life, and so is a change of what the engine itself counts. The worker owes one
 * as long as a stream's reader wants more, or a prompt is to be computed for a stream or a prefill leg. Who waits for a
 * whole answer learns nothing before its end: it is owed as long as the engine tells what it has done. Of a stream that
 * nobody reads nothing comes, and nothing is owed.
 */
public final class ForwardProgress {
    private static final double UNTOLD = -1;

    private final Ticker ticker;
    private final AtomicInteger owed = new AtomicInteger();
    private final AtomicInteger owedWhole = new AtomicInteger();
    private final Set<Answer> open = ConcurrentHashMap.newKeySet();
    private volatile long lastSign;

    /** What the engine has done by its own account; {@link #UNTOLD} when it has not said, or does not any more. */
    private volatile double done = UNTOLD;

    /** Makes one for a worker that owes nothing. */
    public ForwardProgress(Ticker ticker) {
        this.ticker = ticker;
        this.lastSign = ticker.nanoTime();
    }

    /**
     * A leg is about to be sent.
     *
     * @param soon whether its first byte comes when the prompt has been computed, and not with the whole answer
     */
    public Answer expect(boolean soon) {
        return new Answer(soon);
    }

    /** Whether the worker owes a sign of life. */
    public boolean owing() {
        return owed.get() > 0 || (told() && owedWhole.get() > 0);
    }

    /** Whether somebody has waited for so long, and only the engine can say whether it does anything. */
    public boolean unsure(Duration since) {
        return owed.get() + owedWhole.get() > 0 && ticker.nanoTime() - lastSign >= since.toNanos();
    }

    /**
     * The engine has told what it has done.
     *
     * @param amount at least 0; it differs from what was told before if it has done anything since
     */
    public void onDone(double amount) {
        if (done != amount) {
            restart();
        }
        done = amount;
    }

    /** The engine does not tell what it has done. */
    public void onUntold() {
        done = UNTOLD;
    }

    private boolean told() {
        return done != UNTOLD;
    }

    /** Returns how long the worker has owed a sign of life; zero when it owes none. */
    public Duration silence() {
        return owing() ? Duration.ofNanos(ticker.nanoTime() - lastSign) : Duration.ZERO;
    }

    /** What is owed will not come: whoever waits for it is told. */
    public void giveUp() {
        open.forEach(Answer::giveUp);
    }

    /** What was owed before does not count any more. */
    public void restart() {
        lastSign = ticker.nanoTime();
    }

    /** An answer that is to come. Thread-safe. */
    public final class Answer {
        private final boolean soon;

        /** Guarded by this, as all that follows: whether it, or more of it, is awaited. */
        private boolean owing;

        private boolean over;
        private long wanted;
        private Runnable waiter = () -> {};

        private Answer(boolean soon) {
            this.soon = soon;
        }

        /** Says whom to tell, without a lock, when it will not come. */
        public synchronized void awaitedBy(Runnable told) {
            waiter = told;
        }

        /** The leg has been sent. */
        public synchronized void sent() {
            if (!over) {
                open.add(this);
                owe(true);
            }
        }

        /** The head of the answer has come; of its body nothing is wanted yet. */
        public synchronized void begun() {
            restart();
            owe(false);
        }

        /** So many further pieces are wanted. */
        public synchronized void wanted(long pieces) {
            wanted = wanted + pieces < 0 ? Long.MAX_VALUE : wanted + pieces;
            owe(soon);
        }

        /** A piece has come. */
        public synchronized void came() {
            restart();
            wanted--;
            owe(soon && wanted > 0);
        }

        /** Nothing is awaited any more. */
        public synchronized void over() {
            owe(false);
            over = true;
            open.remove(this);
        }

        /** Whether it, or more of it, is owed now. */
        public synchronized boolean owed() {
            return owing && (soon || told());
        }

        private void giveUp() {
            Runnable told;
            synchronized (this) {
                told = owed() ? waiter : () -> {};
            }
            told.run();
        }

        private void owe(boolean now) {
            if (over || now == owing) {
                return;
            }
            owing = now;
            AtomicInteger all = soon ? owed : owedWhole;
            if (!now) {
                all.decrementAndGet();
                return;
            }
            // Whole answers that nobody can judge leave an old sign behind, which says nothing of what is sent now.
            if (owed.get() == 0 && (soon || owedWhole.get() == 0)) {
                restart();
            }
            all.incrementAndGet();
        }
    }
}
