// SPDX-License-Identifier: Apache-2.0
package dev.tandem.core.disagg;

import dev.tandem.core.fleet.WorkerPair;
import java.time.Duration;
import org.jspecify.annotations.Nullable;

/** The legs of one attempt and the order in which they run. There are few orders and many protocols. */
public sealed interface Exchange {
    /** Returns the leg whose answer goes to the client. */
    Leg decode();

    /** Returns the workers between which something is handed over, or null when one runs both phases. */
    default @Nullable WorkerPair pair() {
        return switch (this) {
            case Single alone -> null;
            case Sequential(Leg prefill, var handover, Leg decode) -> pair(prefill, decode);
            case Continued(Leg prefill, var handover, Leg decode) -> pair(prefill, decode);
            case Parallel(Leg prefill, Leg decode) -> pair(prefill, decode);
            case CalledBack(Leg decode, var callback, Leg prefill) -> pair(prefill, decode);
        };
    }

    private static WorkerPair pair(Leg prefill, Leg decode) {
        return new WorkerPair(prefill.worker().id(), decode.worker().id());
    }

    /** One leg runs both phases. */
    record Single(Leg decode) implements Exchange {}

    /** Decode starts when prefill has answered and has handed over. */
    record Sequential(Leg prefill, Handover handover, Leg decode) implements Exchange {}

    /**
     * As {@link Sequential}, but the first token comes from prefill, and decode goes on behind it.
     *
     * @param prefill leg that generates the first token and tells its id
     * @param handover what must happen before decode goes on
     * @param decode leg that goes on; without a first token it answers from the start
     */
    record Continued(Leg prefill, Handover handover, Leg decode) implements Exchange {
        /** Returns the same legs for an answer that comes from decode alone. */
        public Sequential fromStart() {
            return new Sequential(prefill, handover, decode);
        }
    }

    /**
     * Both legs start together; the engines meet through what their requests say. Nobody waits for prefill's answer.
     */
    record Parallel(Leg prefill, Leg decode) implements Exchange {}

    /**
     * Decode starts first and calls the router back when it has room; the call starts the prefill leg.
     *
     * @param decode leg whose worker calls back
     * @param callback which call is meant
     * @param prefill leg that starts with the call
     */
    record CalledBack(Leg decode, Callback callback, Leg prefill) implements Exchange {}

    /**
     * A call of the decode worker.
     *
     * @param key part of the id by which the call names its request; nobody can guess it
     * @param field field of the prefill leg that takes the body of the call as it came
     * @param within longest wait for the call
     */
    record Callback(String key, String field, Duration within) {}
}
