// SPDX-License-Identifier: Apache-2.0
package dev.tandem.core.disagg;

import dev.tandem.core.fleet.Seat;
import dev.tandem.core.request.ApiKind;

/**
 * One protocol by which a decode worker obtains the KV cache that a prefill worker computed. Pure: it plans, it sends
 * nothing. Immutable.
 */
public interface KvConnector {
    /** Returns the name used in configuration, logs and metric tags. */
    String name();

    /** Whether the protocol hands prompts of that API over; those of other APIs run on one worker. */
    boolean handsOver(ApiKind api);

    /** Plans the legs of one attempt on two workers. */
    Exchange plan(Pairing pairing);

    /** Plans the only leg of a request that runs on one worker. */
    default Leg whole(Seat seat, ApiKind api) {
        return new Leg(seat.worker(), api, BodyEdits.NONE);
    }

    /** Returns what is safe after the prefill leg has failed. */
    AfterPrefillFailure afterPrefillFailure();

    /** What may follow a failed prefill leg. */
    enum AfterPrefillFailure {
        /** The decode worker computes the prompt itself, and judges a request that prefill has rejected. */
        DECODE_ALONE,
        /** The attempt has failed; another may follow. A rejection (4xx) goes to the client. */
        ROUTE_AGAIN
    }
}
