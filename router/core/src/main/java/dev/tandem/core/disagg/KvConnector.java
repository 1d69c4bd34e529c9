// SPDX-License-Identifier: Apache-2.0
package dev.tandem.core.disagg;

import dev.tandem.core.fleet.EngineFacts;
import dev.tandem.core.fleet.Role;
import dev.tandem.core.fleet.Seat;
import dev.tandem.core.request.ApiKind;
import java.time.Duration;
import java.util.Set;
import org.jspecify.annotations.Nullable;

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

    /** Whether an engine of that role, prefill or decode, also runs a whole request alone. */
    default boolean servesWhole(Role role) {
        return true;
    }

    /**
     * Returns what an engine of that role has not said yet and must, before it can take part; or null.
     *
     * @param role prefill or decode
     */
    default @Nullable String lacks(Role role, EngineFacts facts) {
        return null;
    }

    /** Returns what an operator of an engine must know that can take part, and may not do it well; or null. */
    default @Nullable String caution(EngineFacts facts) {
        return null;
    }

    /** Whether an engine reads what another has computed only if both are of one version. */
    default boolean needsEqualVersions() {
        return false;
    }

    /** Returns where the id comes from by which engines know the prefill worker. */
    default EngineIdSource engineIdSource() {
        return EngineIdSource.NOT_NEEDED;
    }

    /** Returns what the gateway must listen to for this protocol. */
    default Set<Need> needs() {
        return Set.of();
    }

    /**
     * Whether a decode engine counts what it was handed over among the cached tokens of its usage; else they say what
     * prefill had cached.
     */
    default boolean countsHandedOver() {
        return true;
    }

    /**
     * Returns how many tokens at the end of a prompt a decode engine may compute itself although all went well: what
     * does not fill a block of KV cache, of which the largest usual one has 128 tokens.
     */
    default int tailTokens() {
        return 128;
    }

    /** Returns what becomes of a KV cache that has been handed over and that nobody wants any more. */
    default WhenAbandoned whenAbandoned() {
        return WhenAbandoned.NOTHING_STAYS;
    }

    /**
     * Returns how long a prefill engine holds a KV cache that nobody fetches; zero when it needs no hold.
     *
     * @param prefill what the engine has said
     */
    default Duration heldFor(EngineFacts prefill) {
        return Duration.ZERO;
    }

    /**
     * Returns what the answer of a decode engine must say so that the prefill leg of the conversation's next turn can
     * read what it has computed; or null where the protocol knows no such thing.
     *
     * @param decode seat of the engine that answered
     */
    default Handover.@Nullable Carried readBack(Seat decode) {
        return null;
    }

    /** Returns what is safe after the prefill leg has failed. */
    AfterPrefillFailure afterPrefillFailure();

    /** Whether a decode engine may give a request up in the midst of its answer and make it look complete. */
    default boolean mayGiveUp() {
        return false;
    }

    /** What may follow a failed prefill leg. */
    enum AfterPrefillFailure {
        /** The decode worker computes the prompt itself, and judges a request that prefill has rejected. */
        DECODE_ALONE,
        /** The attempt has failed; another may follow. A rejection (4xx) goes to the client. */
        ROUTE_AGAIN
    }

    /** What a handed-over KV cache needs when its request has left before decode has begun. */
    enum WhenAbandoned {
        /** Nothing: it lies in a cache that makes room by itself, or is overwritten. */
        NOTHING_STAYS,
        /** The engine gives it back when its lease ends, and the router can only count it. */
        EXPIRES,
        /** The decode worker must run the request, for one token that nobody reads. */
        DRAIN_DECODE
    }

    /** Where the id of an engine comes from; it changes with every start of the engine. */
    enum EngineIdSource {
        /** The protocol needs none. */
        NOT_NEEDED,
        /** The engine's bootstrap server says it. */
        BOOTSTRAP_SERVER,
        /** It stands in the answer to a prefill leg. */
        PREFILL_ANSWER
    }

    /** What engines tell the gateway on listeners of their own. */
    enum Need {
        /** HTTP notices of stored KV caches. */
        TELEMETRY,
        /** HTTP calls of decode workers. */
        METASERVER,
        /** ZeroMQ notices of KV caches that have arrived. */
        NOTIFICATIONS
    }
}
