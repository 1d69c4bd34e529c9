// SPDX-License-Identifier: Apache-2.0
package dev.tandem.bench.stress.field;

import java.io.IOException;
import java.time.Duration;
import org.jspecify.annotations.Nullable;

/** A client that keeps its connection as long as it can. Used by one thread. */
public final class Client implements AutoCloseable {
    private static final Duration PATIENCE = Duration.ofSeconds(30);

    private final Door door;
    private @Nullable Caller caller;

    /** Where a new connection goes. */
    @FunctionalInterface
    public interface Door {
        /** Returns a port of this machine. */
        int port() throws InterruptedException;
    }

    public Client(Door door) {
        this.door = door;
    }

    /** Returns the connection, a new one if there is none. */
    public Caller caller() throws IOException, InterruptedException {
        Caller open = caller;
        if (open == null) {
            open = Caller.open(door.port()).patience(PATIENCE);
            caller = open;
        }
        return open;
    }

    /** Sends a completion with this body and reads the whole answer. */
    public Answer ask(String body) throws IOException, InterruptedException {
        Caller open = caller();
        boolean kept = false;
        try {
            open.send(body);
            Answer answer = open.answer();
            kept = !answer.closes();
            return answer;
        } finally {
            if (!kept) {
                close();
            }
        }
    }

    /** Ends the connection; another one may follow. */
    @Override
    public void close() throws IOException {
        Caller open = caller;
        caller = null;
        if (open != null) {
            open.close();
        }
    }
}
