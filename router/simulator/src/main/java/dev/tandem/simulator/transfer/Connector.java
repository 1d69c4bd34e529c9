// SPDX-License-Identifier: Apache-2.0
package dev.tandem.simulator.transfer;

import dev.tandem.simulator.generate.GenerateRequest;
import dev.tandem.simulator.wire.Rejection;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.node.ObjectNode;

/**
 * The KV connector of one engine process: what it does with requests, and what it says to others. Implementations are
 * thread-safe; nothing here blocks, unless said otherwise.
 */
public interface Connector extends AutoCloseable {
    /** Returns the settings with the ports that are listened on: a restart takes them again. */
    ConnectorConfig config();

    /** Returns the port at which other engines get KV or bring it; 0 for none. */
    default int port() {
        return 0;
    }

    /** Returns what a correct router never sends, as a sentence for the person who writes it; null for nothing. */
    @Nullable
    String violation(Asked asked);

    /** Returns what the engine makes of a request in its role. */
    default GenerateRequest runs(GenerateRequest request) {
        return request;
    }

    /** Returns the body of an error answer. */
    default ObjectNode error(Rejection rejection) {
        return rejection.openAi();
    }

    /**
     * Returns the part of a request in a hand-over, {@link Leg#NONE} for none; throws {@link Rejection} for a request
     * that the engine refuses.
     */
    Leg leg(Asked asked, GenerateRequest request);

    /** Returns what a strict engine has to ask before a request begins; null for nothing. */
    default @Nullable Claim claim(Asked asked, GenerateRequest request) {
        return null;
    }

    /** Returns the paths that this connector adds to the server. */
    default List<Endpoint> endpoints() {
        return List.of();
    }

    /** Tells where the server listens ({@code host:port}), once it does. */
    default void onListening(String httpAddress) {}

    /** Returns numbers that a test or an operator may want to see, such as what has been left behind. */
    default Map<String, Long> facts() {
        return Map.of();
    }

    /** Closes what is open, as the end of the process does; may be called twice. */
    @Override
    void close();
}
