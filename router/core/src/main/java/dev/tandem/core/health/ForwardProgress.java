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
 * <p>Any byte of any answer is a sign of life. The worker owes one as long as a stream's reader wants more, or a prompt
 * is to be computed for a stream or a prefill leg. Who waits for a whole answer knows nothing before its end, and of a
 * stream that nobody reads nothing comes: neither is owed.
 */
public final class ForwardProgress {
    private final Ticker ticker;
    private final AtomicInteger owed = new AtomicInteger();
    private final Set<Answer> open = ConcurrentHashMap.newKeySet();
    private volatile long lastSign;

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
        return owed.get() > 0;
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

        /** Guarded by this, as all that follows. */
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
            if (soon && !over) {
                open.add(this);
            }
            owe(true);
        }

        /** The head of the answer has come; of its body nothing is wanted yet. */
        public synchronized void begun() {
            restart();
            owe(false);
        }

        /** So many further pieces are wanted. */
        public synchronized void wanted(long pieces) {
            wanted = wanted + pieces < 0 ? Long.MAX_VALUE : wanted + pieces;
            owe(true);
        }

        /** A piece has come. */
        public synchronized void came() {
            restart();
            wanted--;
            owe(wanted > 0);
        }

        /** Nothing is awaited any more. */
        public synchronized void over() {
            owe(false);
            over = true;
            open.remove(this);
        }

        /** Whether it, or more of it, is owed now. */
        public synchronized boolean owed() {
            return owing;
        }

        private void giveUp() {
            Runnable told;
            synchronized (this) {
                told = owing ? waiter : () -> {};
            }
            told.run();
        }

        private void owe(boolean now) {
            if (!soon || over || now == owing) {
                return;
            }
            owing = now;
            if (!now) {
                owed.decrementAndGet();
            } else if (owed.get() == 0) {
                restart();
                owed.incrementAndGet();
            } else {
                owed.incrementAndGet();
            }
        }
    }
}
