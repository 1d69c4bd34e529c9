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

    /** Returns these facts where nothing else is declared; the address is the declared one. */
    public EngineFacts declaredAs(EngineFacts declared) {
        return new EngineFacts(declared.connector == null ? connector : declared.connector, slots, declared.kv);
    }

    /** Returns these facts of an engine that speaks that protocol. */
    public EngineFacts speaking(@Nullable String protocol) {
        return new EngineFacts(protocol, slots, kv);
    }

    /** Returns these facts with an address. */
    public EngineFacts at(@Nullable KvAddress address) {
        return new EngineFacts(connector, slots, address);
    }
}
