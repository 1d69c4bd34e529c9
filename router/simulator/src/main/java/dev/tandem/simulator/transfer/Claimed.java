// SPDX-License-Identifier: Apache-2.0
package dev.tandem.simulator.transfer;

import java.util.concurrent.Executor;
import org.jspecify.annotations.Nullable;

/**
 * What a strict engine has claimed for one request: the request begins with it, or it is given back, once, when its
 * client leaves before. Thread-safe.
 */
public final class Claimed {
    private final Claim claim;
    private final Executor blocking;
    private State state = State.ASKING; // guarded by this

    private enum State {
        /** The other engine has not answered. */
        ASKING,
        /** The client has left before the answer. */
        LEFT,
        /** The claim is good, and the request has not begun. */
        HELD,
        /** The request has begun, or the claim was refused or given back. */
        OVER
    }

    /** Makes one that has not asked; {@code blocking} runs what blocks. */
    public Claimed(Claim claim, Executor blocking) {
        this.claim = claim;
        this.blocking = blocking;
    }

    /** Asks, which blocks; returns why the request is refused, or null. */
    public @Nullable String judge() {
        String refusal = claim.judge();
        if (judged(refusal == null)) {
            claim.giveBack();
        }
        return refusal;
    }

    /** The request begins; false if nobody waits for it any more. */
    public boolean begin() {
        return over();
    }

    /** The client has left. */
    public void leave() {
        if (left()) {
            blocking.execute(claim::giveBack);
        }
    }

    /** Returns whether the claim is to be given back. */
    private synchronized boolean judged(boolean good) {
        boolean late = state == State.LEFT;
        state = good && !late ? State.HELD : State.OVER;
        return good && late;
    }

    /** Returns whether the claim is to be given back. */
    private synchronized boolean left() {
        if (state == State.ASKING) {
            state = State.LEFT;
            return false;
        }
        return over();
    }

    /** Returns whether the claim was held. */
    private synchronized boolean over() {
        boolean held = state == State.HELD;
        state = State.OVER;
        return held;
    }
}
