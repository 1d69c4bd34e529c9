// SPDX-License-Identifier: Apache-2.0
package dev.tandem.bench.stress;

import dev.tandem.bench.stress.field.Answer;
import java.time.Duration;

/**
 * What clients notice of the deaths of workers, one at a time. An answer that took a second attempt while a worker was
 * dead had been tried there. Times are those of the machine's clock. Thread-safe.
 */
final class Deaths {
    private String worker = "";
    private long killedNanos;
    private long revivedNanos;
    private boolean down;
    private boolean back = true;
    private long lastTryNanos;
    private long slowestReturnNanos;
    private int takenOver;

    /** A worker is about to die. */
    synchronized void killed(String id, long nanoTime) {
        worker = id;
        killedNanos = nanoTime;
        down = true;
        back = false;
    }

    /** It listens again. */
    synchronized void revived(long nanoTime) {
        revivedNanos = nanoTime;
        down = false;
    }

    /** A client has got an answer to what it sent at a time. */
    synchronized void onAnswer(Answer answer, long sentNanos, long nanoTime) {
        if (answer.attempts() > 1) {
            takenOver++;
            lastTryNanos = Math.max(lastTryNanos, sentNanos - killedNanos);
        }
        if (!back && !down && answer.worker().equals(worker)) {
            back = true;
            slowestReturnNanos = Math.max(slowestReturnNanos, nanoTime - revivedNanos);
            notifyAll();
        }
    }

    /** Waits for its first answer; without one it has never returned. */
    synchronized void awaitReturn(Duration patience) throws InterruptedException {
        long end = System.nanoTime() + patience.toNanos();
        while (!back && System.nanoTime() < end) {
            wait(Math.max(1, (end - System.nanoTime()) / 1_000_000));
        }
        if (!back) {
            slowestReturnNanos = Long.MAX_VALUE;
        }
    }

    /** Returns how many requests took more than one attempt. */
    synchronized int takenOver() {
        return takenOver;
    }

    /** Returns how long after a death a request was sent that was tried there, in milliseconds. */
    synchronized double lastTry() {
        return lastTryNanos / 1e6;
    }

    /** Returns the longest time from listening again to the first answer in milliseconds, infinity for never. */
    synchronized double slowestReturn() {
        return slowestReturnNanos == Long.MAX_VALUE ? Double.POSITIVE_INFINITY : slowestReturnNanos / 1e6;
    }
}
