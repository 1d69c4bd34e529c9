// SPDX-License-Identifier: Apache-2.0
package dev.tandem.gateway.fleet;

import dev.tandem.core.fleet.EngineFacts;
import dev.tandem.core.fleet.KvAddress;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * What an engine shows of the hand-over protocol that it speaks. Immutable.
 *
 * @param connector name of the connector, or null when what was seen stands for several that exclude each other
 * @param seen what was seen, fit for a log line
 * @param choices other connectors whose engines show the same
 * @param address where others reach its KV cache, or null when it has not said
 * @param kind what the engine is, or null when that was not seen
 */
record Spoken(
        @Nullable String connector,
        String seen,
        List<String> choices,
        @Nullable KvAddress address,
        EngineFacts.@Nullable Kind kind) {
    private static final String PULL = "nixl";
    private static final String PUSH = "nixl-push";

    /** Nothing was seen. */
    static final Spoken NOTHING = new Spoken(null, "nothing", List.of(), null, null);

    /** Copies the list. */
    Spoken {
        choices = List.copyOf(choices);
    }

    /** Makes what can only be one connector. */
    static Spoken only(String connector, String seen) {
        return new Spoken(connector, seen, List.of(), null, null);
    }

    /** Makes what is most likely one connector and can be others. */
    static Spoken likely(String connector, String seen, String... choices) {
        return new Spoken(connector, seen, List.of(choices), null, null);
    }

    /** Makes what can be any of several connectors. */
    static Spoken oneOf(String seen, String... choices) {
        return new Spoken(null, seen, List.of(choices), null, null);
    }

    /** Returns the same, seen of an engine of that kind. */
    Spoken of(EngineFacts.Kind engine) {
        return new Spoken(connector, seen, choices, address, engine);
    }

    /** Whether a prefill answer tells which of the two protocols of NIXL it is. */
    boolean eitherNixl() {
        return PULL.equals(connector) && choices.contains(PUSH);
    }

    /** Returns which of the two it is, by the {@code transfer_mode} of a prefill answer; before vLLM 0.24 all pull. */
    Spoken moving(String transferMode) {
        return switch (transferMode) {
            case "push" -> answered(PUSH, "with transfer_mode push");
            case "pull" -> answered(PULL, "with transfer_mode pull");
            case "" -> answered(PULL, "without transfer_mode");
            default -> this;
        };
    }

    private Spoken answered(String protocol, String how) {
        return new Spoken(protocol, seen + ", prefill answer " + how, List.of(), address, kind);
    }
}
