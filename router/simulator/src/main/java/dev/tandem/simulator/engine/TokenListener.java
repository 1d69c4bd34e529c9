// SPDX-License-Identifier: Apache-2.0
package dev.tandem.simulator.engine;

import org.jspecify.annotations.Nullable;

/** Receives what a sequence generates. Called on the engine's thread: fast, never blocking. */
public interface TokenListener {
    /** Takes the next token and returns true if the sequence ends with it, as at a stop string. */
    boolean endsAt(int token);

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

    /** Why a sequence failed. */
    enum Failure {
        /** The engine has died. */
        ENGINE_DEAD,
        /** The KV of the prompt could not be fetched from another engine. */
        KV_LOAD
    }
}
