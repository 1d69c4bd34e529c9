// SPDX-License-Identifier: Apache-2.0
package dev.tandem.bench.stress.field;

import java.io.IOException;
import java.time.Duration;
import java.util.concurrent.atomic.AtomicBoolean;

/** A few clients that behave, beside others that do not. Thread-safe. */
public final class Bystanders {
    /** What of an answer's time is the engine's. */
    public static final int WORK_MILLIS = 5;

    /** How many there are. */
    public static final int CLIENTS = 4;

    private static final Duration PAUSE = Duration.ofMillis(20);
    private static final Duration WARM_UP = Duration.ofSeconds(5);
    private static final Duration PATIENCE = Duration.ofSeconds(20);

    private final Crowd crowd = new Crowd();
    private final AtomicBoolean over = new AtomicBoolean();

    private final Duration pause;

    private Bystanders(Duration pause) {
        this.pause = pause;
    }

    /** Lets them begin: each asks again a while after it has its answer. */
    public static Bystanders start(int port) {
        return start(port, PAUSE);
    }

    /** Lets a gateway that has just started compile its code: they ask without a pause, and nobody looks. */
    public static void warmUp(int port) throws InterruptedException {
        Bystanders all = start(port, Duration.ZERO);
        Thread.sleep(WARM_UP);
        all.stop();
    }

    /** Lets them end and returns what they have seen. */
    public Crowd stop() throws InterruptedException {
        over.set(true);
        crowd.await();
        return crowd;
    }

    private static Bystanders start(int port, Duration pause) {
        Bystanders all = new Bystanders(pause);
        for (int i = 0; i < CLIENTS; i++) {
            all.crowd.add(() -> all.behave(port));
        }
        return all;
    }

    private void behave(int port) throws IOException, InterruptedException {
        try (Caller caller = Caller.open(port).patience(PATIENCE)) {
            while (!over.get()) {
                long began = System.nanoTime();
                if (caller.ask(Wish.work(0, WORK_MILLIS)).status() == 200) {
                    crowd.noteDone(System.nanoTime() - began);
                } else {
                    crowd.noteRefused(System.nanoTime() - began);
                }
                Thread.sleep(pause);
            }
        }
    }
}
