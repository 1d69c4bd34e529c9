// SPDX-License-Identifier: Apache-2.0
package dev.tandem.core.disagg;

/**
 * One protocol by which a decode worker obtains the KV cache that a prefill worker computed. Pure: it plans, it sends
 * nothing. Immutable.
 */
public interface KvConnector {
    /** Returns the name used in configuration, logs and metric tags. */
    String name();

    /** Whether the protocol hands a KV cache over at all; without it every worker serves whole requests. */
    boolean handsOver();

    /** Plans the legs of one attempt on two workers. */
    Exchange plan(Pairing pairing);

    /** Returns what is safe after the prefill leg has failed. A rejection (4xx) goes to the client in any case. */
    AfterPrefillFailure afterPrefillFailure();

    /** What may follow a failed prefill leg. */
    enum AfterPrefillFailure {
        /** The decode worker computes the prompt itself. */
        DECODE_ALONE,
        /** The attempt has failed; another may follow. */
        FAIL
    }
}
