// SPDX-License-Identifier: Apache-2.0
package dev.tandem.gateway.handover;

import static org.assertj.core.api.Assertions.assertThat;

import dev.tandem.core.lifecycle.EngineMessageListener;
import java.util.Locale;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;

/** What listeners have made of messages, in the order of their judgements. Thread-safe. */
final class Heard implements EngineMessageListener {
    private final BlockingQueue<String> verdicts = new LinkedBlockingQueue<>();

    @Override
    public void onMessage(Message message, Verdict verdict) {
        verdicts.add((message + " " + verdict).toLowerCase(Locale.ROOT));
    }

    /** Waits for the next judgement, such as {@code registration accepted}. */
    String next() throws InterruptedException {
        return next(verdicts);
    }

    /** Waits for the next thing in a queue. */
    static <T> T next(BlockingQueue<T> queue) throws InterruptedException {
        T next = queue.poll(20, TimeUnit.SECONDS);
        assertThat(next).as("something within 20 s").isNotNull();
        return java.util.Objects.requireNonNull(next);
    }

    /** Whether nothing more has been heard so far. */
    boolean silent() {
        return verdicts.isEmpty();
    }
}
