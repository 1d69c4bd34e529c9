// SPDX-License-Identifier: Apache-2.0
package dev.tandem.core.lifecycle;

/** Learns what became of messages that engines send unasked. Thread-safe, fast, never blocking, never throwing. */
@FunctionalInterface
public interface EngineMessageListener {
    /** Cares for none of them. */
    EngineMessageListener NONE = (message, verdict) -> {};

    /** A message has been judged; one that names several requests counts once for each of them. */
    void onMessage(Message message, Verdict verdict);

    /** What engines tell. */
    enum Message {
        /** The KV cache of a request lies where the decode worker can read it. */
        NOTICE,
        /** A decode worker is ready for a KV cache and asks for it. */
        CALLBACK,
        /** An engine says that it is there. */
        REGISTRATION
    }

    /** What became of a message. */
    enum Verdict {
        /** It was used. */
        ACCEPTED,
        /** Nobody waits for it: it came too late, or was never asked for. */
        UNKNOWN,
        /** It cannot be read. */
        MALFORMED,
        /** Its sender may not send it, or it says of its sender what is not so. */
        REFUSED,
        /** There were too many of them, or it was too large. */
        LIMITED
    }
}
