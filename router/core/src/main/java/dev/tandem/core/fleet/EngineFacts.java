// SPDX-License-Identifier: Apache-2.0
package dev.tandem.core.fleet;

import org.jspecify.annotations.Nullable;

/**
 * What a probe has learned about an engine besides its models. Immutable; a restarted engine may have others.
 *
 * @param connector name of the KV connector whose protocol the engine speaks, or null when nobody could find out
 * @param slots engine slots that a request can name, or 0 when the engine has none
 * @param kv where other engines reach its KV cache, or null when nobody has said
 */
public record EngineFacts(
        @Nullable String connector, int slots, @Nullable KvAddress kv) {
    /** Nothing is known. */
    public static final EngineFacts UNKNOWN = new EngineFacts(null, 0, null);

    /** Checks the number. */
    public EngineFacts {
        if (slots < 0) {
            throw new IllegalArgumentException("slots: " + slots + " (expected: >= 0)");
        }
    }

    /** Makes facts of an engine whose KV cache no other engine reaches by an address. */
    public EngineFacts(@Nullable String connector, int slots) {
        this(connector, slots, null);
    }

    /** Returns these facts with an address. */
    public EngineFacts at(@Nullable KvAddress address) {
        return new EngineFacts(connector, slots, address);
    }
}
