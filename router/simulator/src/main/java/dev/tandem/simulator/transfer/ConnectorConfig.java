// SPDX-License-Identifier: Apache-2.0
package dev.tandem.simulator.transfer;

import dev.tandem.simulator.engine.EngineShape;
import dev.tandem.simulator.store.KvStore;
import dev.tandem.simulator.wire.Release;
import java.util.Map;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/** Settings of a connector, of which every engine process makes one. Implementations are immutable. */
public interface ConnectorConfig {
    /** Returns how engines with this connector exchange KV; decides which metrics they have. */
    EngineShape.Connector kind();

    /** Returns the fixed id of the engine; null for a new one at every start. */
    default @Nullable String engineId() {
        return null;
    }

    /**
     * Returns the settings of one data parallel rank; throws {@link IllegalArgumentException} where the simulator does
     * not know what ranks do.
     */
    default ConnectorConfig ofRank(int rank) {
        throw new IllegalArgumentException("--data-parallel-size: more than 1 is not simulated with this connector");
    }

    /** Returns these settings with what environment variables say; throws for values that cannot be read. */
    default ConnectorConfig withEnvironment(Map<String, String> variables) {
        return this;
    }

    /** Throws {@link IllegalArgumentException} for a release of vLLM that does not have this connector. */
    default void check(Release release) {}

    /** Reads a number; {@code name} says in the error what it is. */
    static int number(String name, String value) {
        try {
            return Integer.parseInt(value);
        } catch (NumberFormatException e) {
            throw new IllegalArgumentException(name + ": " + value + " (expected: a number)", e);
        }
    }

    /** Prepares one process, before its engine starts; {@code shared} is the store in a folder, null without one. */
    Prepared prepare(@Nullable KvStore shared);

    /**
     * A connector whose engine has not started yet.
     *
     * @param store The store of the engine; null for none.
     * @param start Makes the connector of the engine that runs; throws {@link java.io.UncheckedIOException} if a port
     *     is taken.
     */
    record Prepared(@Nullable KvStore store, Function<Site, Connector> start) {}
}
