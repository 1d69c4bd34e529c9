// SPDX-License-Identifier: Apache-2.0
package dev.tandem.core.fleet;

import org.jspecify.annotations.Nullable;

/**
 * What a probe has learned about an engine besides its models. Immutable; a restarted engine may have others.
 *
 * @param connector name of the KV connector whose protocol the engine speaks, or null when nobody could find out
 * @param slots engine slots that a request can name, or 0 when the engine has none
 * @param kv where other engines reach its KV cache, or null when nobody has said
 * @param version version of the engine, or null when it has not said
 * @param group name that the operator gave to the engines that may hand over to each other, or null
 * @param contextTokens most tokens of prompt and answer that its models take, or 0 when it has not said
 * @param kind what the engine is, or null when nobody could find out
 */
public record EngineFacts(
        @Nullable String connector,
        int slots,
        @Nullable KvAddress kv,
        @Nullable EngineVersion version,
        @Nullable String group,
        int contextTokens,
        @Nullable Kind kind) {
    /** What an engine is, as far as its answers differ. */
    public enum Kind {
        /** vLLM and what is made of it. */
        VLLM,
        /** SGLang. */
        SGLANG,
        /** The server of llama.cpp. */
        LLAMA_SERVER
    }

    /** Nothing is known. */
    public static final EngineFacts UNKNOWN = new EngineFacts(null, 0);

    /** Checks the numbers. */
    public EngineFacts {
        if (slots < 0) {
            throw new IllegalArgumentException("slots: " + slots + " (expected: >= 0)");
        }
        if (contextTokens < 0) {
            throw new IllegalArgumentException("contextTokens: " + contextTokens + " (expected: >= 0)");
        }
    }

    /** Makes facts of an engine of unknown version. */
    public EngineFacts(@Nullable String connector, int slots, @Nullable KvAddress kv) {
        this(connector, slots, kv, null, null, 0, null);
    }

    /** Makes facts of an engine whose KV cache no other engine reaches by an address. */
    public EngineFacts(@Nullable String connector, int slots) {
        this(connector, slots, null);
    }

    /** Returns these facts where nothing else is declared; the group is the declared one. */
    public EngineFacts declaredAs(EngineFacts declared) {
        String protocol = declared.connector == null ? connector : declared.connector;
        KvAddress address = declared.kv == null ? kv : declared.kv;
        return new EngineFacts(protocol, slots, address, version, declared.group, contextTokens, kind);
    }

    /** Returns these facts of an engine that speaks that protocol. */
    public EngineFacts speaking(@Nullable String protocol) {
        return new EngineFacts(protocol, slots, kv, version, group, contextTokens, kind);
    }

    /** Returns these facts with an address. */
    public EngineFacts at(@Nullable KvAddress address) {
        return new EngineFacts(connector, slots, address, version, group, contextTokens, kind);
    }

    /** Returns these facts with a version. */
    public EngineFacts running(@Nullable EngineVersion engine) {
        return new EngineFacts(connector, slots, kv, engine, group, contextTokens, kind);
    }

    /** Returns these facts with a group. */
    public EngineFacts in(@Nullable String name) {
        return new EngineFacts(connector, slots, kv, version, name, contextTokens, kind);
    }

    /** Returns these facts with the room that the models have. */
    public EngineFacts taking(int tokens) {
        return new EngineFacts(connector, slots, kv, version, group, tokens, kind);
    }

    /** Returns these facts of an engine of that kind. */
    public EngineFacts of(@Nullable Kind engine) {
        return new EngineFacts(connector, slots, kv, version, group, contextTokens, engine);
    }
}
