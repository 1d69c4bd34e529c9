// SPDX-License-Identifier: Apache-2.0
package dev.tandem.simulator.engine;

import org.jspecify.annotations.Nullable;

/** Receives what a sequence generates. Called on the engine's thread: fast, never blocking. */
public interface TokenListener {
    /** Takes the next token and returns true if the sequence ends with it, as at a stop string. */
    boolean endsAt(int token);

    /** Tells of the first token, which {@link #endsAt} takes next. */
    default void onFirstToken(FirstToken first) {}

    /**
     * Reports the token that {@link #endsAt} has just taken.
     *
     * @param token The token; the model's end token is reported too.
     * @param finish Why the sequence ends with this token; null while it goes on.
     * @param admitted What the prefix cache gave; the same for all tokens of the sequence.
     */
    void onToken(int token, @Nullable Finish finish, Admitted admitted);

    /** The sequence has failed; no further call. */
    void onFailed(Failure failure);

    /**
     * When a prompt came and when its first token was there, by the clock of {@link System#nanoTime()}, which on Linux
     * is the same in all processes of a machine. Immutable.
     *
     * @param queuedNanos It came into the engine.
     * @param readyNanos It had nothing more to wait for but the engine itself: the KV that another engine hands over
     *     was there. The same as {@code queuedNanos} if it waits for none.
     * @param nanos The step that computed its end was over.
     * @param cachedTokens Prompt tokens whose KV it did not have to compute.
     */
    record FirstToken(long queuedNanos, long readyNanos, long nanos, int cachedTokens) {}

    /** Why a sequence failed. */
    enum Failure {
        /** The engine has died. */
        ENGINE_DEAD,
        /** The KV of the prompt could not be fetched from another engine. */
        KV_LOAD
    }
}
